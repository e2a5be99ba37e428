"""The rules of docs/rows.md and docs/windows.md: from the meaning of the rows to the windows that they must produce."""

import datetime
import json
import re

from world import OWNER, SECOND

EPOCH = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)


def lines_of(row, supports):
    """The messages of a row as [(part, content type, text)]."""
    if row.get("left_out") and {"scheduled": "schedule_type", "spam": "is_spam"}.get(row["left_out"], "guid") in supports:
        return []
    parts = row["parts"]
    if row.get("left_out"):
        parts = [[0, "text", "never seen"]]
    result = []
    for number, kind, text in parts:
        pieces = re.split("\r\n|\r|\n", text.replace("\ufffc", "")) if kind == "text" else [text]
        result += [(number, kind, p.strip()) for p in pieces if p.strip()]
    return result


def quote(target, part, supports):
    lines = [t for n, _, t in lines_of(target, supports) if part in ("first", n)] if target else []
    return lines[0][:50] + ("..." if len(lines[0]) > 50 else "") if lines else None


def expected(world, window, stride, supports):
    talks = {}
    for row in world.rows:
        members = row["members"]
        if not row["chats"] or any(m.startswith("?") for m in members):
            continue
        talk = talks.setdefault(tuple(sorted(members | {OWNER})), [])
        if "reaction" in row:
            r = row["reaction"]
            if not r["live"] or r["kind"] == 2007 or r["kind"] == 2006 and "associated_message_emoji" not in supports:
                continue
            quoted = quote(r["target"], r["part"], supports)
            if quoted is not None:
                talk.append((row["time"], row["sender"], quoted, "reaction", r["text"]))
            continue
        reply = quote(*row["answers"], supports) if "answers" in row and "thread_originator_guid" in supports else None
        talk += [(row["time"], row["sender"], reply, kind, text) for _, kind, text in lines_of(row, supports)]
    dump = lambda o: json.dumps(o, ensure_ascii=False)
    result = {}
    for members, talk in talks.items():
        for end in [min(k + stride, len(talk)) for k in range(0, len(talk), stride)]:
            start = max(0, end - window)
            day = (EPOCH + datetime.timedelta(seconds=talk[start][0] // SECOND)).strftime("%Y-%m-%d")
            text = dump({"type": "dm" if len(members) == 2 else "group", "members": list(members), "start": day}) + "\n"
            for i in range(start, end):
                time, name, reply, kind, words = talk[i]
                text += (
                    dump(
                        {
                            "name": name,
                            "delta": delta(time - talk[i - 1][0]) if i > start else "<1m",
                            "reply_to": reply,
                            "content_type": kind,
                            "text": words,
                        }
                    )
                    + "\n"
                )
            targets = (end - 1) % stride + 1
            result.setdefault(members, []).append(dump({"text": text, **({"targets": targets} if targets != 1 else {})}))
    return result


def delta(ns):
    for limit, name in [(60, "<1m"), (300, "<5m"), (3600, "<1h"), (43200, "<12h"), (86400, "<1d")]:
        if ns < limit * SECOND:
            return name
    return "1d+"

#!/usr/bin/env python3
"""Writes the golden files of internal/windows with Python's own json: run it in this folder, and read the diff.

strings.jsonl   one {"hex": <UTF-8 of a string>, "json": <hex of json.dumps(string, ensure_ascii=False)>} a line
lines.jsonl     messages and headers as fields, with the hex of the line that json.dumps makes of them
quotes.jsonl    texts and what reply_to says of them
scenario*       a whole history and the window files made of it
"""
import gzip
import json
import random
import time

rng = random.Random(20240315)


def dumps(value):
    return json.dumps(value, ensure_ascii=False)


def hexed(s):
    return s.encode("utf-8").hex()


def random_char():
    kind = rng.randrange(6)
    if kind == 0:
        return chr(rng.randrange(0x00, 0x20))
    if kind == 1:
        return rng.choice('"\\/<>&\'\x7f\x80\x85\xa0\xad\u2028\u2029\ufeff\ufffc\ufffd\u200d\u0301')
    if kind == 2:
        return chr(rng.randrange(0x20, 0x7F))
    if kind == 3:
        return chr(rng.randrange(0x80, 0xD800))
    if kind == 4:
        return chr(rng.randrange(0xE000, 0x10000))
    return chr(rng.randrange(0x10000, 0x110000))


def random_string(length):
    return "".join(random_char() for _ in range(length))


strings = [chr(c) for c in range(0x100)]
strings += ["", "hey what's up", 'she said "no"', "C:\\dir", "a/b</script>&amp;", "tab\there", "\u2028\u2029",
            "\u200b\u200d\ufeff", "👩‍👩‍👧‍👦🇩🇪", "é e\u0301", "\U0010ffff\uffff", "日本語", "\ud7ff\ue000"]
strings += [random_string(rng.randrange(40)) for _ in range(300)]
with open("strings.jsonl", "w") as out:
    for s in strings:
        out.write(json.dumps({"hex": hexed(s), "json": hexed(dumps(s))}) + "\n")

deltas = ["<1m", "<5m", "<1h", "<12h", "<1d", "1d+"]
types = ["text", "image", "video", "audio", "document", "reaction", "file", "contact", "location"]
with open("lines.jsonl", "w") as out:
    for i in range(60):
        message = {
            "name": rng.choice(["Aidan", "John", "Zoë", 'O"Neil', "李雷", random_string(5)]),
            "delta": rng.choice(deltas),
            "reply_to": rng.choice([None, "", "beautiful!", random_string(50)]),
            "content_type": rng.choice(types),
            "text": random_string(rng.randrange(1, 30)),
        }
        header = {
            "type": rng.choice(["dm", "group"]),
            "members": [random_string(rng.randrange(1, 8)) for _ in range(rng.randrange(1, 5))],
            "start": "2024-03-%02d" % (1 + i % 31),
        }
        out.write(json.dumps({"message": message, "line": hexed(dumps(message) + "\n"),
                              "header": header, "header_line": hexed(dumps(header) + "\n")}) + "\n")

texts = ["", "short", "x" * 49, "x" * 50, "x" * 51, "é" * 50, "é" * 51, "😀" * 50 + "!", "e\u0301" * 30, "a b " * 20]
texts += [random_string(n) for n in (0, 49, 50, 51, 120)]
with open("quotes.jsonl", "w") as out:
    for text in texts:
        quote = text if len(text) <= 50 else text[:50] + "..."
        out.write(json.dumps({"text": text, "quote": quote}) + "\n")


# A whole history, and the windows that Python makes of it: scenario.json is what the store is filled with, and
# scenario-wW-sS.jsonl the window files of windows of W messages with stride S.

OWNER = "Aidan"
PEOPLE = {"+15550001": "John", "john@example.com": "John", "+15550002": "Zoë", "+15550003": 'O"Neil', "me@example.com": OWNER}
STRANGERS = ["+19990001", "shop@example.com"]
WORDS = ["hey", "what's up", "naïve", "日本", "😀", 'say "x"', "a\\b", "tab\there", "<3", "ok\u2028then", "see https://x.org/?a=1&b=2"]
SECOND = 10**9


def random_text():
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 14)))
    for _ in range(rng.randrange(0, 3)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["\n", "\r", "\r\n", "\n\n", " \n\t", "\n\u00a0\n"]) + text[at:]
    return rng.choice(["", " ", "\u3000", "\n"]) + text + rng.choice(["", " ", "\t", "\r\n"])


def make_scenario():
    entries, descriptions = [], {}
    date = 1_700_000_000 * SECOND
    rosters = [(False, ["+15550001"]), (False, ["john@example.com"]), (True, ["+15550001", "+15550002"]),
               (True, ["john@example.com", "+15550002", "me@example.com"]), (True, ["+15550002"]), (False, ["+15550003"]),
               (False, [STRANGERS[0]]), (True, ["+15550001", STRANGERS[1]]), (False, ["me@example.com"])]
    for row in range(1, 400):
        date += rng.choice([0, 1, 30, 59, 60, 200, 299, 300, 3599, 3600, 40000, 43200, 86399, 86400, 200000]) * SECOND
        date += rng.choice([0, 0, 999_999_999, 1])
        group, members = rng.choice(rosters)
        sender = rng.choice(members + [""])
        entry = {"group": group, "members": members, "row": row, "guid": "guid-%d" % row, "part": 0, "place": 0, "date": date,
                 "sender": sender, "kind": "text", "text": random_text(), "attachment": "", "transcript": "",
                 "target_guid": "", "target_part": -1}
        kind = rng.randrange(10)
        earlier = [e for e in entries if e["members"] == members and e["kind"] != "reaction"]
        if kind == 0:
            entry.update(kind=rng.choice(["image", "video", "audio", "file"]), text="IMG_%d.HEIC" % row, attachment="att-%d" % row)
            if rng.random() < 0.3:
                entry["transcript"] = "a voice\nmessage %d" % row
            if rng.random() < 0.5:
                descriptions["att-%d" % row] = "A photo of\r\n " + random_text().replace("\t", " ")
        elif kind == 1 and earlier:
            target = rng.choice(earlier)
            entry.update(kind="reaction", text=rng.choice(["Loved", "Laughed", "🔥"]), target_guid=target["guid"], target_part=target["part"])
        elif kind == 2 and earlier:
            target = rng.choice(earlier)
            entry.update(target_guid=target["guid"], target_part=target["part"])
        elif kind == 3:
            entry["text"] = rng.choice([" ", "\n", "\u00a0", ""])
        entries.append(entry)
        if kind == 4:
            entries.append(dict(entry, part=1, place=1, text=random_text()))
    return {"owner": OWNER, "people": PEOPLE, "entries": entries, "descriptions": descriptions}


def lines_of(entry, descriptions):
    words = descriptions.get(entry["attachment"]) or entry["transcript"] or entry["text"]
    lines = [part.strip() for part in words.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line]
    if entry["kind"] != "text":
        lines = [" ".join(lines)] if lines else []
    return lines


def conversations_of(scenario):
    descriptions = scenario["descriptions"]
    found = {}
    for e in scenario["entries"]:
        found.setdefault((e["guid"], e["part"]), e)
    conversations = {}
    for e in sorted(scenario["entries"], key=lambda e: (e["date"], e["row"], e["place"])):
        if any(m not in PEOPLE for m in e["members"]):
            continue
        members = sorted({OWNER} | {PEOPLE[m] for m in e["members"]})
        if len(members) < 2:
            continue
        quote = None
        if e["target_guid"]:
            answered = lines_of(found[(e["target_guid"], e["target_part"])], descriptions)
            if answered:
                quote = answered[0] if len(answered[0]) <= 50 else answered[0][:50] + "..."
        if e["kind"] == "reaction" and quote is None:
            continue
        for line in lines_of(e, descriptions):
            name = PEOPLE[e["sender"]] if e["sender"] else OWNER
            conversations.setdefault(tuple(members), []).append(
                (e["date"], {"name": name, "delta": None, "reply_to": quote, "content_type": e["kind"], "text": line}))
    return conversations


def delta_of(nanoseconds):
    for limit, name in [(60, "<1m"), (300, "<5m"), (3600, "<1h"), (43200, "<12h"), (86400, "<1d")]:
        if nanoseconds < limit * SECOND:
            return name
    return "1d+"


def windows_of(conversations, window, stride):
    for members, messages in sorted(conversations.items()):
        for first_target in range(0, len(messages), stride):
            end = min(first_target + stride, len(messages))
            shown = messages[max(0, end - window):end]
            start = time.strftime("%Y-%m-%d", time.gmtime(shown[0][0] // SECOND))
            text = dumps({"type": "dm" if len(members) == 2 else "group", "members": list(members), "start": start}) + "\n"
            before = shown[0][0]
            for date, message in shown:
                text += dumps(dict(message, delta=delta_of(date - before))) + "\n"
                before = date
            row = {"text": text}
            if end - first_target > 1:
                row["targets"] = end - first_target
            yield row


scenario = make_scenario()
with open("scenario.json", "w") as out:
    json.dump(scenario, out, indent=0)
for window, stride in [(100, 1), (5, 1), (1, 1), (7, 3), (4, 4)]:
    with open("scenario-w%d-s%d.jsonl.gz" % (window, stride), "wb") as out:
        rows = "".join(dumps(row) + "\n" for row in windows_of(conversations_of(scenario), window, stride))
        out.write(gzip.compress(rows.encode("utf-8"), mtime=0))

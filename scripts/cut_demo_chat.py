#!/usr/bin/env python3
"""Cuts the demo's chat from the corpus: the days of a dozen people, as conversations of a phone.

    cut_demo_chat.py --chat train.jsonl.gz --out internal/demo/chat.jsonl.gz

Each line: {"members": [...], "time": UTC, "name": who, "nick": as whom, "text": ..., "reply_to": index of the answered
line or null, "tapback": kind or null}. What was changed against the source: other people's messages are left out; lines
between the owner and one contact are direct chats, without the name at their start; the rest of a day is a group of those
who speak; a bare answer ("thanks", "lol") is a tapback on what it answers.
"""

import argparse
import gzip
import json
import re
from datetime import timedelta
from pathlib import Path

import chat_corpus
from chat_corpus import ALIASES, CONTACTS, OWNER, Message

# A day with only one contact, or on which owner and contact do not address each other, belongs to the regulars' group.
REGULARS = {OWNER, "lotuspsychje", "cfhowlett", "EriC^^", "k1l", "OerHeks", "TJ-"}
PEOPLE = {OWNER, *CONTACTS, *ALIASES}
# How soon after the other's line a line without an addressee still belongs to their direct chat.
EXCHANGE = timedelta(minutes=3)


def person(nick: str) -> str:
    return ALIASES.get(nick, nick)


def addressee(message: Message) -> str | None:
    """Returns the person of the demo that a line names at its start, "" for anyone else, None if it names no one."""
    head = re.match(r"(\S+?)[:,] ", message.text)
    if head is None:
        return None
    by_lower = {nick.lower(): nick for nick in PEOPLE}
    return person(by_lower.get(head[1].lower(), ""))


def partner(message: Message) -> str | None:
    """Returns the contact of a line between the owner and one contact, by address or by annotation."""
    to = addressee(message)
    if to is None and message.annotated and message.answers.name in PEOPLE:
        to = person(message.answers.name)
    pair = {person(message.name), to}
    return next(iter(pair - {OWNER})) if OWNER in pair and len(pair) == 2 and not pair & {None, ""} else None


def split_direct(day: list[Message]) -> dict[int, str]:
    """Returns index -> contact for the lines of the day that belong to a direct chat."""
    direct = {i: who for i, m in enumerate(day) if (who := partner(m))}
    for i, m in enumerate(day):
        before = direct.get(i - 1)
        if i in direct or before is None or addressee(m) is not None or m.annotated:
            continue
        if person(m.name) in (OWNER, before) and m.time - day[i - 1].time <= EXCHANGE:
            direct[i] = before
    # A pair with few lines, or in which only one of them speaks, is not a conversation of its own.
    for contact in set(direct.values()):
        lines = [i for i, who in direct.items() if who == contact]
        voices = {person(day[i].name) for i in lines}
        if len(lines) < 8 or len(voices) < 2:
            for i in lines:
                del direct[i]
    return direct


def bare_tapback(message: Message, before: Message | None) -> str | None:
    """Returns the kind of tapback that a bare answer to someone else's previous line is."""
    if before is None or person(before.name) == person(message.name) or message.time - before.time > EXCHANGE:
        return None
    return chat_corpus.KIND_OF.get(message.text.strip().lower().rstrip(".! :)"))


def conversations(day: list[Message]) -> list[tuple[set[str], list[tuple[Message, str]]]]:
    """Returns the day's chats: the members, and their messages with the text that each has there."""
    direct = split_direct(day)
    chats = []
    for contact in sorted(set(direct.values())):
        lines = [day[i] for i in sorted(direct) if direct[i] == contact]
        chats.append(({OWNER, contact}, [(m, re.sub(r"^\S+?[:,] ", "", m.text) if addressee(m) else m.text) for m in lines]))
    rest = [m for i, m in enumerate(day) if i not in direct]
    members = {OWNER, *(person(m.name) for m in rest)}
    if len(members) < 3:
        members = REGULARS
    chats.append((members, [(m, m.text) for m in rest]))
    return chats


def rows(days: dict[str, list[Message]]):
    """Yields the lines of all chats in the order of time."""
    lines = []
    for day in sorted(days):
        spoken = [m for m in days[day] if m.name in PEOPLE]
        for members, messages in conversations(spoken) if spoken else []:
            lines += [(m, text, members, before) for (m, text), before in
                      zip(messages, [None, *(m for m, _ in messages)])]
    lines.sort(key=lambda line: line[0].time)
    index, chat_of, tapbacks = {}, {}, set()
    for m, text, members, before in lines:
        answered = m.answers if m.answers and chat_of.get(id(m.answers)) == members else None
        kind = m.tapback if answered else None
        if kind is None and addressee(m) is None and (kind := bare_tapback(m, before)):
            answered = before
        if answered is None or id(answered) in tapbacks or person(answered.name) == person(m.name):
            kind = None
        if kind:
            tapbacks.add(id(m))
        quoted = answered is not None and id(answered) not in tapbacks and (kind is not None or m.annotated)
        index[id(m)], chat_of[id(m)] = len(index), members
        yield {"members": sorted(members), "time": m.time.strftime("%Y-%m-%dT%H:%M:%SZ"), "name": person(m.name), "nick": m.name,
               "text": text.strip(), "reply_to": index[id(answered)] if quoted else None, "tapback": kind}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chat", type=Path, required=True, help="train.jsonl.gz of the ubuntu-irc chat")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(chat_corpus.read(args.chat)))
    # No time stamp in the gzip header, so that the same chat gives the same file.
    args.out.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{text.count(chr(10))} messages, {args.out.stat().st_size} bytes in {args.out}")


if __name__ == "__main__":
    main()

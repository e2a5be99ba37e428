"""The bundled chat as conversations: speakers, replies, and the window text of docs/windows.md.

Used by pretrain_tiny.py (the base model's data) and cut_demo_chat.py (the demo's people). The two must not overlap: a day on
which one of the demo's people speaks or is named is not used for pretraining.
"""

import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

OWNER = "daftykins"
CONTACTS = ["lotuspsychje", "cfhowlett", "EriC^^", "k1l", "ObrienDave", "OerHeks", "TJ-", "TomyWork", "lsfret", "RubyDZ", "regum",
            "BZWingZero"]
# Other nicknames of the same people.
ALIASES = {"k1l_": "k1l", "lsftex": "lsfret"}

# A message that consists of one of these becomes a tapback in the demo's database.
TAPBACKS = {
    "Loved": "thanks|thank you|thank you very much|thanks a lot|thx|ty|tyvm|cheers|much appreciated|thanks!|awesome",
    "Liked": "yes|yeah|yep|yup|ok|okay|k|sure|right|indeed|correct|exactly|good|great|cool|nice|np|no problem|aye|true",
    "Laughed": "lol|haha|hahaha|heh|hehe|rofl|lmao|:d|xd",
    "Disliked": "no|nope|nah|:(",
    "Emphasized": "wow|omg|whoa|ouch",
    "Questioned": "what|huh|eh|why|hm|hmm|who|where|how",
}
KIND_OF = {word: kind for kind, words in TAPBACKS.items() for word in words.split("|")}


@dataclass
class Message:
    name: str
    time: datetime
    text: str
    answers: "Message | None" = None  # the answered message, by annotation or by the name at the start
    annotated: bool = False  # whether answers comes from an annotation, as an inline reply does
    tapback: str | None = None


def read(path: Path) -> dict[str, list[Message]]:
    """Returns day -> messages in order, of train.jsonl.gz."""
    days: dict[str, list[Message]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            messages = days[row["chat"].split()[1]]
            message = Message(row["name"], datetime.fromisoformat(row["time"].replace("Z", "+00:00")), row["text"])
            if row["reply_to"] is not None:
                message.answers, message.annotated = messages[row["reply_to"]], True
            messages.append(message)
    for messages in days.values():
        link(messages)
    return dict(days)


def link(messages: list[Message]) -> None:
    """Fills in whom a message addresses, and which messages are tapbacks."""
    latest: dict[str, Message] = {}
    for message in messages:
        head, colon, rest = message.text.partition(":")
        addressed = latest.get(head) if colon else None
        if message.answers is None and addressed is not None and addressed.name != message.name:
            message.answers = addressed
        said = rest if colon and head in latest else message.text
        word = re.sub(r"[\s.!?,]*(?:[:;][-o]?[)pPD])?[\s.!?]*$", "", said.strip().lower()) or said.strip().lower()
        if message.answers is not None and message.answers.tapback is None:
            message.tapback = KIND_OF.get(word)
        latest[message.name] = message


def names_demo_person(messages: list[Message]) -> bool:
    """Reports whether one of the demo's people speaks or is named in messages."""
    people = "|".join(re.escape(name) for name in [OWNER, *CONTACTS, *ALIASES])
    named = re.compile(rf"(?<![\w^|`-])(?:{people})(?![\w^|`])", re.IGNORECASE)
    bare = {name.lower().rstrip("_`^|-") for name in [OWNER, *CONTACTS, *ALIASES]}
    return any(m.name.lower().rstrip("_`^|-") in bare or named.search(m.text) for m in messages)


def quote(text: str) -> str:
    return text if len(text) <= 50 else text[:50] + "..."


def delta(before: datetime | None, now: datetime) -> str:
    minutes = (now - before).total_seconds() / 60 if before else 0
    for limit, word in ((1, "<1m"), (5, "<5m"), (60, "<1h"), (720, "<12h"), (1440, "<1d")):
        if minutes < limit:
            return word
    return "1d+"


def header(members: set[str], start: datetime) -> str:
    kind = "dm" if len(members) == 2 else "group"
    row = {"type": kind, "members": sorted(members), "start": start.strftime("%Y-%m-%d")}
    return json.dumps(row, ensure_ascii=False) + "\n"


def render(message: Message, before: datetime | None, members: set[str], rename=lambda text: text) -> str:
    """Returns a message's line. before is the time of the previous message in the window; rename is applied to every word."""
    answered = message.answers if message.answers and message.answers.name in members else None
    tapback = message.tapback if answered else None
    quoted = answered if tapback or message.annotated else None
    row = {
        "name": rename(message.name),
        "delta": delta(before, message.time),
        "reply_to": quote(rename(quoted.text).strip()) if quoted else None,
        "content_type": "reaction" if tapback else "text",
        "text": tapback or rename(message.text).strip(),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


class Renamer:
    """Gives people other names, also where they mention each other."""

    def __init__(self, names: dict[str, str]):
        self.names = names
        known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        self.pattern = re.compile(rf"(?<![\w^|`-])(?:{known})(?![\w^|`-])")

    def __call__(self, text: str) -> str:
        if text in self.names:
            return self.names[text]
        return self.pattern.sub(lambda found: self.names[found[0]], text)

#!/usr/bin/env python3
"""Compares messages.db with the message bodies as an independent implementation decodes them.

pytypedstream (from PyPI) decodes the bodies of a chat.db. Every body with a single part must be in messages.db with the same text.

  pip install pytypedstream
  scripts/reading/other_reader.py chat.db data/messages.db
"""

import sqlite3
import sys

import typedstream

PART = "__kIMMessagePartAttributeName"
ATTACHMENT, APP = "\ufffc", "\ufffd"


def decode(body):
    """The text of a body, and the numbers of its parts."""
    root = typedstream.unarchive_from_data(body)
    if not hasattr(root, "contents"):
        return root.value, set()
    text = root.contents[0].values[0].value
    parts = set()
    for group in root.contents[1:]:
        for value in group.values:
            for key, number in getattr(value, "contents", {}).items() if isinstance(getattr(value, "contents", None), dict) else []:
                if key.value == PART:
                    parts.add(number.value)
    return text, parts


def main(source, target):
    con = sqlite3.connect(f"file:{source}?mode=ro&immutable=1", uri=True)
    ours = sqlite3.connect(f"file:{target}?mode=ro", uri=True)
    stored = {}
    for row, text in ours.execute("SELECT source_row, text FROM message WHERE kind = 0"):
        stored.setdefault(row, []).append(text)
    compared = refused = 0
    differ = []
    query = "SELECT ROWID, attributedBody FROM message WHERE length(attributedBody) > 0 AND coalesce(message_summary_info, '') = ''"
    for row, body in con.execute(query):
        if row not in stored:
            continue
        try:
            text, parts = decode(body)
        except Exception:  # pytypedstream rejects damaged bodies in its own way
            refused += 1
            continue
        if len(parts) > 1 or ATTACHMENT in text or APP in text or not text.strip():
            continue
        compared += 1
        if stored[row] != [text]:
            differ.append((row, text, stored[row]))
    for row, text, found in differ[:5]:
        print(f"row {row}: pytypedstream reads {text!r}, messages.db holds {found!r}")
    print(f"{compared} bodies compared, {len(differ)} differ, {refused} refused by pytypedstream")
    sys.exit(bool(differ) or not compared)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

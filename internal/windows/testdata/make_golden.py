#!/usr/bin/env python3
"""Writes the golden files of internal/windows with Python's own json: run it in this folder, and read the diff.

strings.jsonl   one {"hex": <UTF-8 of a string>, "json": <hex of json.dumps(string, ensure_ascii=False)>} a line
lines.jsonl     messages and headers as fields, with the hex of the line that json.dumps makes of them
quotes.jsonl    texts and what reply_to says of them
"""
import json
import random

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

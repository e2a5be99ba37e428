#!/usr/bin/env python3
"""Writes the test data of internal/tokenizer with Hugging Face's tokenizers: a tokenizer cut from Qwen3's (Apache-2.0, see
testdata/README.md), and the ids of many texts by this tokenizer and by the full one.

    pip install tokenizers==0.23.3
    python scripts/make_tokenizer_goldens.py QWEN3_DIR
"""
import gzip
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer

OUT = pathlib.Path(__file__).resolve().parent.parent / "internal" / "tokenizer" / "testdata"
MERGES = 1500

BY_HAND = [
    "", " ", "  ", "\n", "\r\n", "\t\n ", " \n \n x", "a\u00a0 b", "x \u3000\u2028y", "don't DON'T 'ſ 'ſt 'RE 're 'lL 'x ''s",
    "!!!!!!", "?!?!?!", "1234567", "½²³٣४", "hello  world   ", "  hello\n\n\nworld  \r\n ", ".hello ..hello \u0301hello",
    "e\u0301 \u1100\u1161\u11a8 \uac00\u11a8 \u0344 \u212b \u0958 \ufb2e 각", "x" + "\u0301" * 40, "q\u0323\u0301\u0307" * 20,
    "a" + "\u0300\u0316" * 30, "\U00011935\U00011930 \U00011938", "\u0308a", "\u1161\u11a8", "\U0001d15e\U0001d165",
    "<|endoftext|>", "<|endoftext", "a<|im_start|> b<|im_end|>\n<|im_end|>", "<<|endoftext|>>", "<tool_call>x</tool_call>",
    "👨‍👩‍👧 🇩🇪 ❤️ ☺", "\x00\x01\x7f", "\ufffd\ufeff\U0010ffff", "नमस्ते สวัสดี שָׁלוֹם مرحبا 你好世界 こんにちは",
    '{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey what\'s up"}\n',
] + [c * n for c in ("a", "ab", "!", " ", "é", "\n ", "=") for n in (2, 3, 7, 23, 24, 25, 47, 48, 49, 50, 97, 600)]

POOLS = [
    [chr(c) for c in range(32, 127)], list("aeiourstln ethan"), list(" \t\n\r\x0b\x0c\x85\xa0\u2003\u2028\u3000"),
    [chr(c) for c in range(0x300, 0x370)], [chr(c) for c in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11a7, 0x11c3))],
    [chr(c) for c in range(0xac00, 0xd7a4, 97)], [chr(c) for c in range(0xa0, 0x250)], [chr(c) for c in range(0x370, 0x600)],
    [chr(c) for c in range(0x600, 0x700)], [chr(c) for c in range(0x900, 0xe80)], [chr(c) for c in range(0x1e00, 0x2000)],
    [chr(c) for c in range(0x2000, 0x2c00)], [chr(c) for c in range(0x4e00, 0x4f00)], [chr(c) for c in range(0x1f300, 0x1f700)],
    [chr(c) for c in (*range(0x80, 0xd800, 53), *range(0xe000, 0x30000, 211))], list("'stmdrevlSTMDREVLſ"), list("0123456789.,"),
    ["<|endoftext|>", "<|im_start|>", "<|im_", "|>", "<", "</think>", "<think>", " the", "ing", "\r\n", ". ", "'s"],
]


def random_text(rng):
    pools = [rng.choice(POOLS) for _ in range(rng.randint(1, 4))]
    text = []
    while len(text) < rng.choice((3, 12, 40, 80)):
        pool = rng.choice(pools)
        text += [rng.choice(pool) for _ in range(rng.choice((1, 1, 2, 3, 7)))]
    return "".join(text)


def cut(definition):
    """The same tokenizer with fewer merges; the added tokens get the ids after the remaining vocabulary."""
    model = definition["model"]
    merges = model["merges"][:MERGES]
    kept = {a + b for a, b in merges}
    kept |= {token for token in model["vocab"] if len(token) == 1}
    vocab = {token: i for i, token in enumerate(sorted(kept, key=model["vocab"].get))}
    added = [dict(token, id=len(vocab) + i) for i, token in enumerate(definition["added_tokens"])]
    return dict(definition, model=dict(model, vocab=vocab, merges=merges), added_tokens=added)


def write_gz(name, lines):
    with gzip.GzipFile(OUT / name, "wb", mtime=0) as f:
        f.write("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode())


def ids(tokenizer, text):
    return tokenizer.encode(text).ids


def tokenizer_of(definition, added):
    return Tokenizer.from_str(json.dumps(dict(definition, added_tokens=added)))


def texts_golden(definition, small):
    full, part = Tokenizer.from_str(json.dumps(definition)), Tokenizer.from_str(json.dumps(small))
    ordinary = tokenizer_of(small, [])
    rng = random.Random(1)
    texts = BY_HAND + [random_text(rng) for _ in range(2500)]
    return [{"text": t, "ids": ids(part, t), "ordinary": ids(ordinary, t), "full": ids(full, t)} for t in texts]


def added_golden(small):
    """Tokenizers whose added tokens have every combination of flags, overlap, need NFC or contain white space."""
    rng = random.Random(2)
    contents = ["<a>", "<a><b>", "<a", "a", "é", "e\u0301", " x", "the", "ſ", "<é>", "\u212b", "  ", "你好", "\u0301", "_t"]
    pieces = contents + [" ", "\n", "\u3000", "b", "E", "1", "\u0323", "<b>", ">", "'"]
    for _ in range(60):
        chosen = rng.sample(contents, rng.randint(1, 5))
        first = len(small["model"]["vocab"])
        added, next_id = [], first
        for content in chosen:
            known = small["model"]["vocab"].get(content)
            flags = {k: rng.random() < 0.4 for k in ("single_word", "lstrip", "rstrip", "normalized", "special")}
            if content.strip() != content:  # tokenizers panics if lstrip applies to such a token
                flags["lstrip"] = False
            added.append({"id": next_id if known is None else known, "content": content, **flags})
            next_id += known is None
        tokenizer = tokenizer_of(small, added)
        texts = ["".join(rng.choice(pieces) for _ in range(rng.randint(1, 12))) for _ in range(40)]
        yield {"added_tokens": added, "cases": [[t, ids(tokenizer, t), tokenizer.decode(ids(tokenizer, t), skip_special_tokens=False)] for t in texts]}


def decode_golden(small):
    tokenizer = Tokenizer.from_str(json.dumps(small))
    rng = random.Random(3)
    size = tokenizer.get_vocab_size()
    for _ in range(600):
        top = rng.choice((256, size))  # ids below 256 are single bytes: mostly invalid UTF-8
        sequence = [rng.randrange(top) for _ in range(rng.randint(1, 12))]
        yield {"ids": sequence, "text": tokenizer.decode(sequence, skip_special_tokens=False)}


def main():
    definition = json.loads((pathlib.Path(sys.argv[1]) / "tokenizer.json").read_text(encoding="utf-8"))
    small = cut(definition)
    (OUT / "cut").mkdir(parents=True, exist_ok=True)
    (OUT / "cut" / "tokenizer.json").write_text(json.dumps(small, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    write_gz("texts.jsonl.gz", texts_golden(definition, small))
    write_gz("added.jsonl.gz", added_golden(small))
    write_gz("decode.jsonl.gz", decode_golden(small))


if __name__ == "__main__":
    main()

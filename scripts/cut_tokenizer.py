#!/usr/bin/env python3
"""Cuts a small tokenizer from Qwen3's.

Keeps the first N merges and the tokens that they produce, and the normalizer, pre-tokenizer and decoder as they are. The added
tokens get the ids after the vocabulary. Byte-level BPE applies merges in rank order, so the first N merges of a tokenizer are a
tokenizer.

    cut_tokenizer.py --source QWEN3/tokenizer.json --merges 4326 --out DIR

Writes DIR/tokenizer.json and DIR/tokenizer_config.json. Qwen3's file is Apache-2.0, and so is the cut.
"""

import argparse
import json
from pathlib import Path

BYTES = 256
END_OF_TEXT = "<|endoftext|>"


def cut(source: dict, merges: int) -> dict:
    """Returns the tokenizer with the first `merges` merges. Token ids below 256 + merges do not change."""
    size = BYTES + merges
    vocab = {token: i for token, i in source["model"]["vocab"].items() if i < size}
    pairs = source["model"]["merges"][:merges]
    for rank, pair in enumerate(pairs):
        token = pair.replace(" ", "") if isinstance(pair, str) else "".join(pair)
        if vocab.get(token) != BYTES + rank:
            raise SystemExit(f"merge {rank} makes {token!r}, which is not token {BYTES + rank}: not a rank-ordered tokenizer")
    added = [dict(token, id=size + i) for i, token in enumerate(source["added_tokens"])]
    return {**source, "added_tokens": added, "model": {**source["model"], "vocab": vocab, "merges": pairs}}


def config(tokenizer: dict, max_length: int) -> dict:
    """Returns the tokenizer_config.json for a tokenizer, in the form of Qwen3-Base's."""
    added = {
        str(t["id"]): {k: t[k] for k in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
        for t in tokenizer["added_tokens"]
    }
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT,
        "errors": "replace",
        "model_max_length": max_length,
        "pad_token": END_OF_TEXT,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="Qwen3's tokenizer.json")
    parser.add_argument("--merges", type=int, default=4326)
    parser.add_argument("--max-length", type=int, default=4096)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    tokenizer = cut(json.loads(args.source.read_text(encoding="utf-8")), args.merges)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "tokenizer.json").write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    (args.out / "tokenizer_config.json").write_text(
        json.dumps(config(tokenizer, args.max_length), indent=2) + "\n", encoding="utf-8")
    print(f"{len(tokenizer['model']['vocab'])} tokens and {len(tokenizer['added_tokens'])} added ones in {args.out}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Compares the speed of vqctl's tokenizer with Hugging Face's (Rust) and tiktoken, on one core each, and prints MB/s.

    pip install tokenizers==0.23.3 tiktoken
    python scripts/bench_tokenizers.py --tokenizer QWEN3_DIR --texts TEXTS.jsonl[.gz] [--rounds 5]

TEXTS has one object with a "text" per line. vqctl's side is `go test -bench Encode/given` in internal/tokenizer, on the same texts.
In each round, each tokenizer passes over all texts once. The best round counts, so that a busy machine disturbs it least.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read_texts(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as f:
        return [json.loads(line)["text"] for line in f]


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def go_round(binary, env):
    out = subprocess.run([binary, "-test.run=^$", "-test.bench=Encode/given", "-test.benchtime=3x"], cwd=ROOT / "internal/tokenizer",
                         env=env, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([\d.]+) ns/op", out)[1]) / 1e9


def tiktoken_of(definition):
    """The same merges in tiktoken, or None if it is not installed."""
    try:
        import tiktoken
    except ImportError:
        return None
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    byte_of = {chr(b): b for b in printable}
    for n, b in enumerate(b for b in range(256) if b not in printable):
        byte_of[chr(256 + n)] = b
    ranks = {bytes(byte_of[c] for c in token): i for token, i in definition["model"]["vocab"].items()}
    pattern = definition["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    return tiktoken.Encoding("qwen", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args()

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    file = options.tokenizer.resolve() / "tokenizer.json"
    texts = read_texts(options.texts)
    text = "\n".join(texts) + "\n"
    lines = text.splitlines(keepends=True)
    peers = {"tokenizers": lambda hf=Tokenizer.from_file(str(file)): hf.encode_batch_fast(lines)}
    if encoding := tiktoken_of(json.loads(file.read_text(encoding="utf-8"))):
        peers["tiktoken"] = lambda: [encoding.encode_ordinary(line) for line in lines]

    with tempfile.TemporaryDirectory() as tmp:
        given = pathlib.Path(tmp) / "given.txt"
        given.write_text(text, encoding="utf-8", newline="")
        binary = str(pathlib.Path(tmp) / "tokenizer.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./internal/tokenizer"], cwd=ROOT, check=True)
        env = dict(os.environ, GOMAXPROCS="1", BENCH_TOKENIZER=str(file.parent), BENCH_TEXT=str(given))
        times = {"vqctl": []} | {name: [] for name in peers}
        for _ in range(options.rounds):
            times["vqctl"].append(go_round(binary, env))
            for name, encode in peers.items():
                times[name].append(seconds(encode))

    size = len(text.encode()) / 1e6
    rates = {name: round(size / min(t), 1) for name, t in times.items()}
    if options.json:
        print(json.dumps({"megabytes": round(size, 1), "mb_per_second": rates}))
        return
    for name, rate in rates.items():
        print(f"{name:12} {rate:8.1f} MB/s   {rates['vqctl'] / rate:5.1f}x slower" if name != "vqctl" else f"{name:12} {rate:8.1f} MB/s")


if __name__ == "__main__":
    main()

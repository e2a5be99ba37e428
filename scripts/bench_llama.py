#!/usr/bin/env python3
"""llama.cpp on a GGUF file of a shape of scripts/bench/engine, with the same flags and the same names in the result.

    build/bench/llama/bin/python scripts/bench_llama.py -file build/bench/qwen3-0.6b-bf16.gguf -tokens 2048

Needs llama-cpp-python, compiled for this processor (scripts/bench/run does so). One warm-up prompt, then the best of -repeat;
of decoding, the fastest token.
"""

import argparse
import ctypes
import json
import os
import random
import time

import llama_cpp as llama

DECODED = 32


def flags():
    parser = argparse.ArgumentParser()
    parser.add_argument("-file", required=True)
    parser.add_argument("-tokens", type=int, default=2048)
    parser.add_argument("-threads", type=int, default=0)
    parser.add_argument("-repeat", type=int, default=3)
    return parser.parse_args()


class Session:
    """A model with an empty cache: its keys and values are in f16, as llama.cpp keeps them by default."""

    def __init__(self, o):
        llama.llama_backend_init()
        self.quiet = llama.llama_log_callback(lambda *_: None)
        llama.llama_log_set(self.quiet, None)
        self.model = llama.llama_model_load_from_file(o.file.encode(), llama.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"{o.file}: llama.cpp cannot load this file")
        p = llama.llama_context_default_params()
        p.n_ctx, p.n_batch = o.tokens + 64, o.tokens
        p.n_threads = p.n_threads_batch = o.threads or len(os.sched_getaffinity(0))
        self.context = llama.llama_init_from_model(self.model, p)
        self.threads = p.n_threads
        vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        source = random.Random(3)
        self.ids = [source.randrange(vocabulary) for _ in range(o.tokens)]

    def truncate(self, length):
        llama.llama_memory_seq_rm(llama.llama_get_memory(self.context), 0, length, -1)

    def decode(self, ids):
        """Adds the tokens to the cache; the logits are those of the last."""
        array = (ctypes.c_int32 * len(ids))(*ids)  # the batch only points to it
        if llama.llama_decode(self.context, llama.llama_batch_get_one(array, len(ids))) != 0:
            raise SystemExit("llama_decode failed")
        llama.llama_synchronize(self.context)


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def measure(s, o):
    def prefill():
        s.truncate(0)
        s.decode(s.ids)

    def tokens():
        s.truncate(o.tokens)
        return min(seconds(lambda: s.decode(s.ids[i:i + 1])) for i in range(DECODED))

    prefill()
    shortest = min(seconds(prefill) for _ in range(o.repeat))
    return {"prefill_tokens_per_second": o.tokens / shortest,
            "decode_tokens_per_second": 1 / min(tokens() for _ in range(o.repeat + 1))}


def main():
    o = flags()
    s = Session(o)
    print(json.dumps({"what": "infer", "file": os.path.basename(o.file), "tokens": o.tokens, "threads": s.threads} | measure(s, o)))


if __name__ == "__main__":
    main()

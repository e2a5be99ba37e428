"""Checks --backend against llama.cpp: that internal/generate/testdata/line.gbnf is the grammar of lines, and that vqctl generate writes
messages with a real server.

    python scripts/check_backend.py VQCTL MODEL.gguf        (needs llama-cpp-python[server] from PyPI)

MODEL.gguf is written by vqctl export --format gguf. The greedy message must be the one that vqctl generate itself writes with the file.
With LLAMA_SERVER, the path of llama.cpp's llama-server, that is checked too.
"""

import ctypes
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

import llama_cpp

GBNF = pathlib.Path(__file__).parent.parent / "internal/generate/testdata/line.gbnf"
GENERATE = ["generate", "--as", "Ada", "--member", "Ben", "--start", "2024-03-15", "--message", "Ben: hey", "--temperature", "0"]


def line(text, delta="<1m", reply=None, kind="text"):
    """What follows the prefill."""
    whole = json.dumps({"name": "A", "delta": delta, "reply_to": reply, "content_type": kind, "text": text}, ensure_ascii=False)
    return whole.removeprefix('{"name": "A", "') + "\n"


ACCEPTED = [
    line("hey"), line("  hey "), line('a "quoted" \\ text'), line("é 😀 \u3000x"), line("x", reply="what? \"no\""), line("x", reply=""),
    line("x", "1d+", None, "reaction"), line("\b"), line("\t\x1b"), line("\x0ehi\x7f"), line("\u3000\u2003a"), line("\ufeff"),
]
REJECTED = [
    line(""), line("   "), line("\t"), line("\u3000\u2003\x1c\x85"), line("x", "<2m"), line("x", "<1m", None, "sticker"), line("x")[:-1],
    line("x") + "y", line("x").replace('"x"', '"\\u0041"'), line("x").replace('"x"', '"\\/x"'), line("x").replace(": ", ":"), line("a\nb"),
]


def grammar_accepts(model, text):
    """Feeds a text to llama.cpp's grammar, token by token, and reports whether the text may end there."""
    vocab = llama_cpp.llama_model_get_vocab(model.model)
    grammar = llama_cpp.llama_sampler_init_grammar(vocab, GBNF.read_bytes(), b"root")
    assert grammar, "llama.cpp cannot parse the grammar"

    def allowed(token):
        data = (llama_cpp.llama_token_data * 1)(llama_cpp.llama_token_data(id=token, logit=1.0, p=0.0))
        array = llama_cpp.llama_token_data_array(data=data, size=1, selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(grammar, ctypes.byref(array))
        return data[0].logit > float("-inf")

    try:
        for token in model.tokenize(text.encode(), add_bos=False, special=False):
            if not allowed(token):
                return False
            llama_cpp.llama_sampler_accept(grammar, token)
        return allowed(llama_cpp.llama_vocab_eos(vocab))
    finally:
        llama_cpp.llama_sampler_free(grammar)


def check_grammar(path):
    model = llama_cpp.Llama(path, vocab_only=False, n_ctx=256, verbose=False)
    for text in ACCEPTED:
        assert grammar_accepts(model, text), f"llama.cpp rejects {text!r}"
    for text in REJECTED:
        assert not grammar_accepts(model, text), f"llama.cpp accepts {text!r}"
    print(f"grammar: {len(ACCEPTED)} lines accepted, {len(REJECTED)} rejected")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check_server(vqctl, want, command, url, ready):
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(url + ready, timeout=2).read()
                break
            except OSError:
                time.sleep(1)
        got = subprocess.run([vqctl, *GENERATE, "--backend", url], check=True, capture_output=True, text=True).stdout
        assert got == want, f"{got!r}, want {want!r}"
        several = subprocess.run([vqctl, *GENERATE[:-1], "0.9", "-n", "5", "--json", "--backend", url], check=True, capture_output=True, text=True).stdout
        texts = {json.loads(text)["text"] for text in several.splitlines()}
        assert texts and len(texts) == len(several.splitlines()), several
        print(f"{' '.join(command[:3])}: the greedy message is the engine's, {len(texts)} different others")
    finally:
        server.terminate()
        server.wait()


def main():
    vqctl, model = sys.argv[1:]
    check_grammar(model)
    want = subprocess.run([vqctl, *GENERATE, "--base-model", model, "--precision", "f32"], check=True, capture_output=True, text=True).stdout
    port = free_port()
    check_server(vqctl, want, [sys.executable, "-m", "llama_cpp.server", "--model", model, "--port", str(port), "--n_ctx", "2048"],
                 f"http://127.0.0.1:{port}", "/v1/models")
    if binary := os.environ.get("LLAMA_SERVER"):
        port = free_port()
        check_server(vqctl, want, [binary, "-m", model, "--port", str(port), "-c", "2048"], f"http://127.0.0.1:{port}", "/props")


if __name__ == "__main__":
    main()

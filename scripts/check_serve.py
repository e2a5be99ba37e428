#!/usr/bin/env python3
"""Checks `vqctl serve` with OpenAI's own Python client, which validates what it receives.

Needs: pip install openai==3.57.0; a built bin/vqctl. Runs a server with the built-in model on a free port.
"""
import os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

import openai


def check(client):
    assert [m.id for m in client.models.list()] == ["Ben"], "the list of models"
    assert client.models.retrieve("Ben").owned_by == "vqctl"
    hello = [{"role": "system", "content": "be nice"}, {"role": "user", "name": "Ada", "content": "which ubuntu?"}]
    ask = lambda **more: client.chat.completions.create(model="Ben", messages=hello, **more)

    whole = ask(seed=1, n=2, logprobs=True, top_logprobs=2)
    assert len(whole.choices) == 2 and whole.choices[0].message.content and whole.choices[0].message.name == "Ben"
    tokens = whole.choices[0].logprobs.content
    assert "".join(t.token for t in tokens) == whole.choices[0].message.content and len(tokens[0].top_logprobs) == 2
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens

    text, last = "", None
    for chunk in ask(seed=1, stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        last = chunk
    assert text == whole.choices[0].message.content and last.usage.completion_tokens > 0 and not last.choices

    assert ask(temperature=0).choices[0].message.content == ask(temperature=0).choices[0].message.content
    assert ask(max_completion_tokens=1).usage.completion_tokens == 1
    assert ask(frequency_penalty=1, presence_penalty=1, logit_bias={"5": -100}, extra_body={"min_p": 0.1, "top_k": 5})

    raw = client.completions.create(model="Ben", prompt=['{"name": "Ada', "x"], max_tokens=6, logprobs=2, stop=["\n"])
    assert len(raw.choices) == 2 and raw.choices[0].logprobs.text_offset[0] == 0
    assert "".join(c.choices[0].text for c in client.completions.create(model="Ben", prompt="x", stream=True, max_tokens=4) if c.choices)

    for expected, more in [(openai.NotFoundError, {"model": "Bem"}), (openai.BadRequestError, {"temperature": -1}),
                           (openai.BadRequestError, {"messages": []}), (openai.BadRequestError, {"n": 1000})]:
        try:
            client.chat.completions.create(**({"model": "Ben", "messages": hello} | more))
            raise AssertionError(f"{more} is not refused")
        except expected as e:
            assert e.type == "invalid_request_error" and e.param in more and e.code, e
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda i: ask(seed=i % 4).choices[0].message.content, range(16)))
    assert answers[:4] * 4 == answers, "a seed has the same text for each client"


def main():
    vqctl = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "bin/vqctl")
    server = subprocess.Popen([vqctl, "serve", "--base-model", "tiny", "--cpu", "--precision", "f32", "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, text=True, env=os.environ | {"MY_NAME": "Ben"})
    try:
        url = server.stdout.readline().strip().removeprefix("listening on ")
        check(openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0))
    finally:
        server.terminate()
    assert server.wait(20) == 0, "the server ends with status 0"
    print("ok")


main()

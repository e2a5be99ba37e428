"""The programs that exports are for. Each reader has logits(ids, last): rows of log-probabilities for the last ids."""

import contextlib
import os

import numpy as np


def log_softmax(rows):
    rows = np.asarray(rows, dtype=np.float64)
    rows = rows - rows.max(-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(-1, keepdims=True))


class Transformers:
    """A folder of transformers, with an adapter of PEFT or without. The weights are computed with in float32."""

    def __init__(self, folder, adapter=None):
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        if adapter is not None:
            self.model = PeftModel.from_pretrained(self.model, adapter)
        self.model.eval()

    def logits(self, ids, last):
        with self.torch.no_grad():
            return log_softmax(self.model(self.torch.tensor([ids]), logits_to_keep=last).logits[0].numpy())

    def greedy(self, prompts, count):
        """The tokens of each prompt's continuation, with their leads. All prompts are one batch, padded on the left."""
        torch = self.torch
        longest = max(map(len, prompts))
        step = torch.tensor([[0] * (longest - len(ids)) + ids for ids in prompts])
        mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts])
        positions, cache, out = (mask.cumsum(-1) - 1).clamp(min=0), None, [[] for _ in prompts]
        with torch.no_grad():
            for _ in range(count):
                result = self.model(step, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1)
                rows, cache = result.logits[:, -1].numpy(), result.past_key_values
                for tokens, row in zip(out, rows):
                    tokens.append((int(row.argmax()), top_two(row)))
                step = torch.tensor([[tokens[-1][0]] for tokens in out])
                mask = torch.cat([mask, torch.ones(len(prompts), 1, dtype=mask.dtype)], 1)
                positions = positions[:, -1:] + 1
        return out


class LlamaCpp:
    """A GGUF file in llama.cpp, with an adapter in GGUF or without. Keys and values are kept in f32."""

    def __init__(self, path, adapter=None, threads=1):
        import llama_cpp

        with quiet():
            self.model = llama_cpp.Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, logits_all=True, verbose=False, type_k=0, type_v=0,
                                         lora_path=None if adapter is None else str(adapter))

    def ids(self, text):
        return self.model.tokenize(text.encode(), add_bos=False, special=False)

    def logits(self, ids, last):
        self.model.reset()
        self.model.eval(ids)
        return log_softmax(self.model.scores[max(0, len(ids) - last) : len(ids)])

    def greedy(self, prompts, count):
        return [self.continuation(ids, count) for ids in prompts]

    def continuation(self, ids, count):
        self.model.reset()
        self.model.eval(ids)
        out, length = [], len(ids)
        for _ in range(count):
            row = self.model.scores[length - 1]
            out.append((int(row.argmax()), top_two(row)))
            self.model.eval([out[-1][0]])
            length += 1
        return out


class MLX:
    """A folder of transformers in mlx-lm on the CPU, with an adapter in mlx-lm's layout."""

    def __init__(self, folder, adapter):
        import mlx.core as mx
        from mlx_lm import load

        mx.set_default_device(mx.cpu)
        self.mx = mx
        self.model, _ = load(str(folder), adapter_path=str(adapter))
        self.model.set_dtype(mx.float32)

    def logits(self, ids, last):
        return log_softmax(np.array(self.model(self.mx.array([ids]))[0, -last:].astype(self.mx.float32)))

    def greedy(self, prompts, count):
        return [self.continuation(ids, count) for ids in prompts]

    def continuation(self, ids, count):
        out, ids = [], list(ids)
        for _ in range(count):
            row = self.logits(ids, 1)[-1]
            out.append((int(row.argmax()), top_two(row)))
            ids.append(out[-1][0])
        return out


def top_two(row):
    """By how much the most likely token is ahead of the second."""
    second, first = np.partition(row, -2)[-2:]
    return float(first - second)


@contextlib.contextmanager
def quiet():
    """llama.cpp writes to the file descriptor."""
    with open(os.devnull, "w") as nothing:
        kept = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)

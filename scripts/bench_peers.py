#!/usr/bin/env python3
"""transformers + peft on the shapes of scripts/bench/engine, with the same flags and the same names in the result.

    python3 scripts/bench_peers.py -what train -shape qwen3-0.6b -precision bf16

Tuned by hand beyond what transformers' Trainer does: the adapter in the model's precision, logits of target rows only, no
padding, no gradient checkpointing, PyTorch's own attention. One warm-up, then the best of -repeat.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3Config, Qwen3ForCausalLM

SHAPES = {
    "qwen3-0.6b": dict(hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
                       num_key_value_heads=8, head_dim=128, vocab_size=151936, tie_word_embeddings=True),
    "qwen3-1.7b": dict(hidden_size=2048, intermediate_size=6144, num_hidden_layers=28, num_attention_heads=16,
                       num_key_value_heads=8, head_dim=128, vocab_size=151936, tie_word_embeddings=True),
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def flags():
    parser = argparse.ArgumentParser()
    parser.add_argument("-what", choices=["train", "infer"], default="train")
    parser.add_argument("-shape", default="qwen3-0.6b")
    parser.add_argument("-precision", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("-tokens", type=int, default=2048)
    parser.add_argument("-targets", type=int, default=40)
    parser.add_argument("-windows", type=int, default=1)
    parser.add_argument("-rank", type=int, default=128)
    parser.add_argument("-threads", type=int, default=0)
    parser.add_argument("-repeat", type=int, default=3)
    parser.add_argument("-dropout", type=float, default=0)
    return parser.parse_args()


def make_model(o, dtype):
    if o.shape == "tiny":
        config = Qwen3Config(**json.loads((Path(__file__).parent.parent / "internal/model/tiny/config.json").read_text()))
    else:
        config = Qwen3Config(**SHAPES[o.shape], rms_norm_eps=1e-6, rope_theta=1e6)
    config.dtype = dtype
    model = Qwen3ForCausalLM._from_config(config, dtype=dtype, attn_implementation="sdpa")
    if o.rank == 0:
        return model
    lora = LoraConfig(task_type="CAUSAL_LM", r=o.rank, lora_alpha=2 * o.rank, lora_dropout=o.dropout,
                      target_modules=TARGETS)
    return get_peft_model(model, lora, autocast_adapter_dtype=False)


def best(repeat, body):
    body()
    shortest = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        body()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def train(o, model):
    model.train()
    causal = model.get_base_model()
    ids = torch.randint(0, causal.config.vocab_size, (o.windows, o.tokens))
    labels = torch.randint(0, causal.config.vocab_size, (o.windows * o.targets,))
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.01)

    def step():
        hidden = causal.model(input_ids=ids, use_cache=False).last_hidden_state[:, -o.targets:]
        logits = causal.lm_head(hidden.reshape(len(labels), -1)).float()
        torch.nn.functional.cross_entropy(logits, labels).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return {"tokens_per_second": o.windows * o.tokens / best(o.repeat, step)}


def infer(o, model):
    decoded = 32
    model.eval()
    ids = torch.randint(0, model.config.vocab_size, (1, o.tokens))
    cache = None

    def prefill():
        nonlocal cache
        cache = model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    # The fastest token, as in scripts/bench/engine: other programs disturb most of them.
    def decode():
        i = cache.get_seq_length() - o.tokens
        model(input_ids=ids[:, i:i + 1], past_key_values=cache, use_cache=True)

    with torch.inference_mode():
        return {"prefill_tokens_per_second": o.tokens / best(o.repeat, prefill),
                "decode_tokens_per_second": 1 / best(o.repeat * decoded, decode)}


def main():
    o = flags()
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    model = make_model(o, torch.bfloat16 if o.precision == "bf16" else torch.float32)
    result = {"what": o.what, "shape": o.shape, "precision": o.precision, "tokens": o.tokens, "rank": o.rank,
              "dropout": o.dropout, "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps(result | (train if o.what == "train" else infer)(o, model)))


if __name__ == "__main__":
    main()

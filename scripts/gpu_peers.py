"""Tokens per second of other trainers on a GPU, on the shape that vq_bench_training trains: random weights in bf16, LoRA of
rank 128 on all seven projections, one window with loss on its last 40 tokens, AdamW. With gradient checkpointing, because 8b
would need more than 80 GB without.

    gpu_peers.py hf|unsloth 8b|0.6b|tiny TOKENS

hf is transformers with peft and a dropout of 0.05. unsloth is Unsloth in its fastest form, without dropout. Prints one JSON
object, or nothing if the trainer is not installed.
"""

import json
import os
import sys
import tempfile
import time

SHAPES = {  # layers, hidden, ffn, heads, kv_heads, head_dim, vocab
    "8b": (36, 4096, 12288, 32, 8, 128, 151936),
    "0.6b": (28, 1024, 3072, 16, 8, 128, 151936),
    "tiny": (2, 64, 96, 4, 2, 16, 256),
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS, TARGET_TOKENS = 6, 40


def random_model(shape, device):
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    layers, hidden, ffn, heads, kv_heads, head_dim, vocab = SHAPES[shape]
    config = Qwen3Config(
        num_hidden_layers=layers, hidden_size=hidden, intermediate_size=ffn, num_attention_heads=heads,
        num_key_value_heads=kv_heads, head_dim=head_dim, vocab_size=vocab, tie_word_embeddings=shape != "8b",
        eos_token_id=0, pad_token_id=1)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return Qwen3ForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)


def rank_of(shape):
    return min(128, SHAPES[shape][1] // 2)


def with_hf(shape, tokens, device):
    from peft import LoraConfig, get_peft_model

    rank = rank_of(shape)
    model = get_peft_model(random_model(shape, device), LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=TARGETS))
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable()
    return model, {"trainer": "HF + PEFT", "dropout": 0.05}


def with_unsloth(shape, tokens, device):
    from unsloth import FastLanguageModel  # must come before transformers, which it patches
    import torch
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as folder:  # Unsloth loads models only from files
        random_model(shape, device).save_pretrained(folder)
        words = Tokenizer(models.WordLevel({"<eos>": 0, "<pad>": 1, "<unk>": 2}, unk_token="<unk>"))
        PreTrainedTokenizerFast(
            tokenizer_object=words, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
        if device == "cuda":
            torch.cuda.empty_cache()
        model, _ = FastLanguageModel.from_pretrained(
            model_name=folder, max_seq_length=tokens, dtype=torch.bfloat16, load_in_4bit=False)
        rank = rank_of(shape)
        model = FastLanguageModel.get_peft_model(
            model, r=rank, lora_alpha=2 * rank, lora_dropout=0, target_modules=TARGETS, bias="none",
            use_gradient_checkpointing="unsloth", random_state=1)
    return model, {"trainer": "Unsloth", "dropout": 0}


def measure(model, shape, tokens, device):
    """Tokens per second of the fastest quarter of the steps, the first one excluded."""
    import torch

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=device == "cuda")
    ids = torch.arange(tokens, device=device).mul(7919).remainder(SHAPES[shape][-1])[None]
    labels = ids.clone()
    labels[:, :-TARGET_TOKENS] = -100
    seconds = []
    for _ in range(STEPS):
        wait()
        start = time.monotonic()
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        wait()
        seconds.append(time.monotonic() - start)
    fast = sorted(seconds[1:])
    return tokens / fast[len(fast) // 4]


def main():
    trainer, shape, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        if trainer == "unsloth":
            import unsloth  # noqa: F401
        import peft, transformers  # noqa: F401, E401
        import torch
    except ImportError:
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, result = (with_unsloth if trainer == "unsloth" else with_hf)(shape, tokens, device)
    rate = measure(model, shape, tokens, device)
    print(json.dumps({**result, "shape": shape, "tokens": tokens, "rank": rank_of(shape), "device": device,
                      "train_tokens_per_second": round(rate, 1)}))


main()

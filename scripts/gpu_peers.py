"""Tokens a second of HF + PEFT on a GPU, on the shape that vq_bench_cuda trains: random weights in bf16, LoRA of
rank 128 on all seven projections with dropout 0.05, one window with loss on its last 40 tokens, AdamW. Activations are
computed again in the backward pass, or 8b would need more than 80 GB.

    gpu_peers.py 8b|0.6b|tiny TOKENS

Prints one JSON object; nothing when they are not installed.
"""

import json
import sys
import time

SHAPES = {  # layers, hidden, ffn, heads, kv_heads, head_dim, vocab
    "8b": (36, 4096, 12288, 32, 8, 128, 151936),
    "0.6b": (28, 1024, 3072, 16, 8, 128, 151936),
    "tiny": (2, 64, 96, 4, 2, 16, 256),
}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    shape, tokens = sys.argv[1], int(sys.argv[2])
    try:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import Qwen3Config, Qwen3ForCausalLM
    except ImportError:
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layers, hidden, ffn, heads, kv_heads, head_dim, vocab = SHAPES[shape]
    config = Qwen3Config(
        num_hidden_layers=layers, hidden_size=hidden, intermediate_size=ffn, num_attention_heads=heads,
        num_key_value_heads=kv_heads, head_dim=head_dim, vocab_size=vocab, tie_word_embeddings=shape != "8b")
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = Qwen3ForCausalLM(config)
    rank = min(128, hidden // 2)
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=TARGETS))
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable()
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=device == "cuda")
    ids = torch.arange(tokens, device=device).mul(7919).remainder(vocab)[None]
    labels = ids.clone()
    labels[:, :-40] = -100
    seconds = []
    for _ in range(6):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.monotonic()
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.monotonic() - start)
    fast = sorted(seconds[1:])
    print(json.dumps({"trainer": "HF + PEFT", "shape": shape, "tokens": tokens, "device": device,
                      "train_tokens_per_second": round(tokens / fast[len(fast) // 4], 1)}))


main()

#!/usr/bin/env python3
"""Writes engine/testdata/goldens: tiny Qwen3 models with LoRA adapters, and the results of transformers and peft.

    pip install torch transformers peft safetensors
    python3 scripts/make_goldens.py [OUT]

The engine's tests compare with these files. Each case is a directory:

    model/                  config.json and weights as transformers saves them
    adapter/                as peft saves it
    golden.json             windows, targets, losses, log probabilities, schedule, norms, generated ids
    golden.safetensors      logits, gradients, the adapter after training

Everything is computed in float32 with eager attention, one window at a time, on one thread. golden.json also has the errors of
transformers in bfloat16 relative to its own float32 (in the 2-norm), as a bound for the engine's.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM, get_cosine_schedule_with_warmup

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# Every case differs from the others and from the usual shapes in as many ways as possible.
CASES = {
    # grouped heads, head_dim unlike hidden / heads and not a power of two
    "tied-grouped-bf16": dict(
        config=dict(hidden_size=48, intermediate_size=72, num_hidden_layers=3, num_attention_heads=4,
                    num_key_value_heads=2, head_dim=20, vocab_size=160, tie_word_embeddings=True,
                    rms_norm_eps=1e-6, rope_theta=1000000.0),
        dtype=torch.bfloat16, clip=28, lora=dict(r=8, lora_alpha=16, target_modules=ALL)),
    "untied-ungrouped-sharded": dict(
        config=dict(hidden_size=40, intermediate_size=56, num_hidden_layers=2, num_attention_heads=5,
                    num_key_value_heads=5, head_dim=6, vocab_size=131, tie_word_embeddings=False,
                    rms_norm_eps=1e-4, rope_theta=10000.0),
        dtype=torch.float32, shard="60KB", clip=8,
        lora=dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj"], use_rslora=True)),
    "tied-multiquery": dict(
        config=dict(hidden_size=33, intermediate_size=47, num_hidden_layers=2, num_attention_heads=3,
                    num_key_value_heads=1, head_dim=10, vocab_size=117, tie_word_embeddings=True,
                    rms_norm_eps=1e-5, rope_theta=500000.0),
        dtype=torch.float32, clip=6,
        lora=dict(r=5, lora_alpha=7, target_modules=["o_proj", "gate_proj", "down_proj"])),
    # only one layer
    "untied-one-layer-bf16": dict(
        config=dict(hidden_size=64, intermediate_size=40, num_hidden_layers=1, num_attention_heads=6,
                    num_key_value_heads=2, head_dim=16, vocab_size=211, tie_word_embeddings=False,
                    rms_norm_eps=1e-6, rope_theta=1000000.0),
        dtype=torch.bfloat16, clip=3.5, lora=dict(r=4, lora_alpha=4, target_modules=["k_proj", "up_proj"])),
}

STEPS, WARMUP, DECAY, RATE = 6, 2, 0.1, 4e-3  # each case's clip lies between its norms, so that some steps are clipped


def load(directory, dtype=torch.float32):
    return Qwen3ForCausalLM.from_pretrained(directory, dtype=dtype, attn_implementation="eager")


def make_model(case, directory):
    config = Qwen3Config(attention_bias=False, max_position_embeddings=512, bos_token_id=None, eos_token_id=None,
                         **case["config"])
    config._attn_implementation = "eager"
    model = Qwen3ForCausalLM(config)
    for name, p in model.named_parameters():
        with torch.no_grad():
            if "norm" in name:
                p.copy_(1.2 + 0.3 * torch.randn_like(p))  # a trained norm is not 1
            else:
                p.copy_(torch.randn_like(p) * (0.5 if "embed" in name or "lm_head" in name else p.shape[1] ** -0.5))
    model.to(case["dtype"]).save_pretrained(directory, max_shard_size=case.get("shard", "1GB"))
    for extra in ("generation_config.json", "README.md"):
        (directory / extra).unlink(missing_ok=True)
    return load(directory)  # reloaded, so that the rotary tables were never in bfloat16


def windows_of(vocab, generator):
    """Steps of micro-batches of windows: ids, and the positions of the target tokens, which come last."""
    def window():
        n = int(torch.randint(2, 40, (1,), generator=generator))
        ids = torch.randint(0, vocab, (n + 1,), generator=generator).tolist()
        targets = int(torch.randint(1, min(n, 7) + 1, (1,), generator=generator))
        return {"ids": ids, "targets": list(range(n + 1 - targets, n + 1))}

    return [[[window() for _ in range(3)], [window() for _ in range(2)]] for _ in range(STEPS)]


def window_losses(model, window):
    """Loss of each target of one window."""
    ids = torch.tensor([window["ids"]])
    logits = model(input_ids=ids).logits[0].float()
    places = torch.tensor(window["targets"])
    return torch.nn.functional.cross_entropy(logits[places - 1], ids[0, places], reduction="none")


def adapter_of(model):
    """{"0.q_proj.A": matrix} of every LoRA matrix."""
    found = {}
    for name, p in model.named_parameters():
        if "lora_" in name:
            parts = name.split(".")
            found[f"{parts[parts.index('layers') + 1]}.{parts[-4]}.{parts[-3][-1]}"] = p
    return found


def step_gradients(model, step):
    """Losses of a step's windows. Leaves the gradients of the sum over targets in the parameters."""
    losses = []
    for micro_batch in step:
        for window in micro_batch:
            each = window_losses(model, window)
            each.sum().backward()
            losses.append([float(x) for x in each])
    return losses


def score(model, ids):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0].float()
    log_probs = torch.log_softmax(logits, -1)
    return {"ids": ids, "logprobs": [float(log_probs[i, ids[i + 1]]) for i in range(len(ids) - 1)],
            "argmax": [int(logits[i].argmax()) for i in range(len(ids) - 1)]}, logits


def generate(model, prompt, count):
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(count):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return {"prompt": prompt, "ids": ids[len(prompt):]}


def train(model, steps, clip):
    """Runs several AdamW steps as a trainer does, and returns each step's figures."""
    parameters = list(adapter_of(model).values())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=DECAY)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, len(steps))
    seen = []
    for step in steps:
        losses = step_gradients(model, step)
        targets = sum(len(each) for each in losses)
        for p in parameters:
            p.grad /= targets
        norm = torch.nn.utils.clip_grad_norm_(parameters, clip)
        seen.append({"loss_sum": sum(map(math.fsum, losses)), "targets": targets, "grad_norm": float(norm),
                     "learning_rate": schedule.get_last_lr()[0], "micro_batches": step})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return seen


def relative(got, want):
    got, want = [torch.cat([t.detach().float().flatten() for t in x]) for x in (got, want)]
    return float((got - want).norm() / want.norm())


def bf16_errors(model, step, ids, logits, gradients):
    """Errors of the bfloat16 model relative to the float32 one."""
    _, half_logits = score(model, ids)
    step_gradients(model, step)
    names = sorted(gradients)
    found = adapter_of(model)
    return {"logits": relative([half_logits], [logits]),
            "gradients": relative([found[n].grad for n in names], [gradients[n] for n in names])}


def make_case(name, case, out):
    torch.manual_seed(sum(name.encode()))
    generator = torch.Generator().manual_seed(len(name))
    directory = out / name
    shutil.rmtree(directory, ignore_errors=True)
    base = make_model(case, directory / "model")
    vocab = base.config.vocab_size
    ids = torch.randint(0, vocab, (29,), generator=generator).tolist()
    prompts = [torch.randint(0, vocab, (n,), generator=generator).tolist() for n in (1, 13)]
    golden, tensors = {}, {}
    golden["base"], tensors["base.logits"] = score(base, ids)

    lora = LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, bias="none", **case["lora"])
    model = get_peft_model(base, lora)
    with torch.no_grad():
        for key, p in adapter_of(model).items():
            p.copy_(torch.randn_like(p) * 0.1)
    model.save_pretrained(directory / "adapter")
    (directory / "adapter" / "README.md").unlink(missing_ok=True)
    saved = directory / "adapter" / "adapter_config.json"
    config = json.loads(saved.read_text())
    config["base_model_name_or_path"] = "../model"  # peft writes the absolute path
    saved.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")

    golden["adapted"], tensors["adapted.logits"] = score(model, ids)
    golden["generated"] = [generate(model, prompt, 12) for prompt in prompts]
    steps = windows_of(vocab, generator)
    golden["first_losses"] = step_gradients(model, steps[0])
    gradients = {key: p.grad.clone() for key, p in adapter_of(model).items()}
    tensors |= {f"gradient.{key}": g for key, g in gradients.items()}
    model.zero_grad()
    golden["update"] = {"weight_decay": DECAY, "max_grad_norm": case["clip"]}
    golden["steps"] = train(model, steps, case["clip"])
    tensors |= {f"trained.{key}": p.detach().clone() for key, p in adapter_of(model).items()}

    half = get_peft_model(load(directory / "model", torch.bfloat16), lora, autocast_adapter_dtype=False)
    half.load_adapter(directory / "adapter", "default", autocast_adapter_dtype=False)
    golden["bf16_error"] = bf16_errors(half, steps[0], ids, tensors["adapted.logits"], gradients)
    save_file({k: v.contiguous() for k, v in tensors.items()}, directory / "golden.safetensors")
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")
    print(name, "bf16", golden["bf16_error"], "norms", [round(s["grad_norm"], 3) for s in golden["steps"]])


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "engine/testdata/goldens")
    torch.set_num_threads(1)
    for name, case in CASES.items():
        make_case(name, case, out)


if __name__ == "__main__":
    main()

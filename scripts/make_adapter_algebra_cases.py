"""Writes internal/model/adapter/algebra/testdata: what combinations of the adapters in internal/model/adapter/testdata change in the
weights (PEFT's add_weighted_adapter), and their norms, cosines and singular values (numpy).

    python scripts/make_adapter_algebra_cases.py        (needs torch, transformers and peft from PyPI)
"""

import json
import pathlib

import numpy as np
import torch
from peft import PeftModel
from safetensors.numpy import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM

ADAPTERS = pathlib.Path(__file__).parent.parent / "internal/model/adapter/testdata"
OUT = ADAPTERS.parent / "algebra/testdata"

SUMS = {  # name: [(adapter, weight)]
    "two-ranks": [("all", 0.7), ("lookahead", 0.3)],
    "negative": [("all", 1.0), ("rslora-bf16", -0.5)],
    "three": [("all", 0.2), ("exclude", 1.5), ("some-layers", 0.3)],
    "one": [("rslora-bf16", 0.25)],
}
LOW = {"all-to-2": ("all", 2), "rslora-to-1": ("rslora-bf16", 1), "all-to-9": ("all", 9)}
PAIRS = [("all", "all-linear"), ("all", "rslora-bf16"), ("some-layers", "first-layer")]


def base():
    torch.manual_seed(1)
    return Qwen3ForCausalLM(Qwen3Config.from_json_file(ADAPTERS / "base_config.json"))


def load(*names):
    model = PeftModel.from_pretrained(base(), ADAPTERS / names[0], adapter_name=names[0])
    for name in names[1:]:
        if name not in model.peft_config:
            model.load_adapter(ADAPTERS / name, adapter_name=name)
    return model.double()


def changes(model, name):
    """The change of each weight, in float64."""
    out = {}
    for n, m in model.named_modules():
        if hasattr(m, "lora_A") and name in m.lora_A:
            out[n.removeprefix("base_model.model.")] = m.get_delta_weight(name).detach().numpy().copy()
    return out


def combined(terms, **how):
    model = load(*[name for name, _ in terms])
    model.add_weighted_adapter([n for n, _ in terms], [w for _, w in terms], "sum", **how)
    config = model.peft_config["sum"]
    # PEFT sets alpha = r for a scale of 1, but leaves rank stabilization on if the first adapter has it.
    extra = config.r**0.5 if config.use_rslora else 1
    return {n: c / extra for n, c in changes(model, "sum").items()}


def reference_sum(terms):
    """The definition: the weighted sum of the changes. cat is checked against it, because it lists only modules of all adapters alike."""
    total = {}
    for name, weight in terms:
        for n, c in changes(load(name), name).items():
            total[n] = total.get(n, 0) + weight * c
    return total


def truncated(c, rank):
    u, s, v = np.linalg.svd(c, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ v[:rank], s


def compare(a, b):
    """By layer, and of all: both norms, the norm of the difference, the cosine (None where a norm is 0)."""

    def of(layer):
        keys = [n for n in set(a) | set(b) if layer is None or f"layers.{layer}." in n]
        x = np.concatenate([np.ravel(a.get(n, np.zeros_like(b.get(n)))) for n in keys] or [np.zeros(1)])
        y = np.concatenate([np.ravel(b.get(n, np.zeros_like(a.get(n)))) for n in keys] or [np.zeros(1)])
        nx, ny = np.linalg.norm(x), np.linalg.norm(y)
        return [nx, ny, np.linalg.norm(x - y), float(x @ y / nx / ny) if nx and ny else None]

    return {"layers": [of(0), of(1)], "all": of(None)}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    record = {"sums": {}, "low": {}, "pairs": []}
    for name, terms in SUMS.items():
        want = reference_sum(terms)
        try:
            peft = combined(terms, combination_type="cat")
        except ValueError as error:  # of target_modules of different kinds
            print(f"{name}: no cat in PEFT: {error}")
            peft = {}
        for n, c in peft.items():
            assert np.allclose(c, want[n], rtol=1e-5, atol=1e-6), (name, n)
        save_file({n: np.ascontiguousarray(c) for n, c in want.items()}, OUT / f"{name}.safetensors")
        record["sums"][name] = [{"adapter": a, "weight": w} for a, w in terms]
    for name, (adapter, rank) in LOW.items():
        whole = changes(load(adapter), adapter)
        # Halves of the same: PEFT does not decompose one adapter alone.
        peft = combined([(adapter, 0.5), (adapter, 0.5)], combination_type="svd", svd_rank=min(rank, 6))
        want, left, total, worst = {}, 0.0, 0.0, 0.0
        for n, c in whole.items():
            want[n], s = truncated(c, rank)
            if rank <= 6:
                assert np.allclose(peft[n], want[n], rtol=1e-4, atol=1e-5), (name, n)
            rest = float(np.sum(s[rank:] ** 2))
            left, total, worst = left + rest, total + float(np.sum(s**2)), max(worst, rest / float(np.sum(s**2)))
        save_file({n: np.ascontiguousarray(c) for n, c in want.items()}, OUT / f"{name}.safetensors")
        record["low"][name] = {"adapter": adapter, "rank": rank, "loss": (left / total) ** 0.5, "worst": worst**0.5}
    for a, b in PAIRS:
        record["pairs"].append({"a": a, "b": b, **compare(changes(load(a), a), changes(load(b), b))})
    (OUT / "cases.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Loads adapter folders into PEFT as a user would, and checks that PEFT loads every tensor with the same values.

    python scripts/check_adapter.py BASE_MODEL_DIR ADAPTER_DIR…        (needs torch, transformers and peft from PyPI)

Prints the mean absolute change that the adapter makes to the logits. If something differs, prints it and exits with status 1.
"""

import pathlib
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def check(base_dir, adapter_dir):
    warnings.simplefilter("error", UserWarning)  # PEFT only warns of missing or unexpected tensors
    base = AutoModelForCausalLM.from_pretrained(base_dir, dtype=torch.float32)
    ids = torch.arange(1, 33).remainder(base.config.vocab_size).unsqueeze(0)
    with torch.no_grad():
        before = base(ids).logits
        model = PeftModel.from_pretrained(base, adapter_dir)
        after = model(ids).logits
    stored = load_file(pathlib.Path(adapter_dir) / "adapter_model.safetensors")
    loaded = {n.replace(".default", ""): p for n, p in model.named_parameters() if ".lora_" in n}
    problems = [f"missing in the file: {n}" for n in loaded.keys() - stored.keys()]
    problems += [f"not taken by PEFT: {n}" for n in stored.keys() - loaded.keys()]
    problems += [f"other values: {n}" for n in stored.keys() & loaded.keys() if not torch.equal(stored[n].float(), loaded[n])]
    for problem in sorted(problems):
        print(problem)
    print(f"{adapter_dir}: {len(stored)} tensors; the adapter moves the logits by {(after - before).abs().mean():.3g} on average")
    return not problems


if __name__ == "__main__":
    sys.exit(0 if all([check(sys.argv[1], adapter) for adapter in sys.argv[2:]]) else 1)

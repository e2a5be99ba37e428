"""Writes internal/model/adapter/testdata: adapters that PEFT saved for a small Qwen3, each with the checksums of its matrices and
PEFT's scale, and configurations that are not supported. Adapters with several ranks or scales have a file with the changes of the
weights instead (delta.safetensors).

    python scripts/make_adapter_cases.py        (needs torch, transformers and peft from PyPI)
"""

import hashlib
import json
import pathlib
import shutil
import tempfile

import torch
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM

OUT = pathlib.Path(__file__).parent.parent / "internal/model/adapter/testdata"
BASE = Qwen3Config(
    vocab_size=32, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1, head_dim=6, tie_word_embeddings=False,
)
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

ACCEPTED = {  # name: (configuration, dtype of the file)
    "all": (dict(r=4, lora_alpha=8, lora_dropout=0.05, target_modules=ALL), torch.float32),
    "rslora-bf16": (dict(r=3, lora_alpha=7, use_rslora=True, target_modules=["q_proj", "v_proj"]), torch.bfloat16),
    "pattern-f16": (dict(r=1, lora_alpha=16, target_modules=r"model\.layers\.1\.self_attn\.(q|k)_proj"), torch.float16),
    "lookahead": (dict(r=2, lora_alpha=4, target_modules=r"model\.(?!.*mlp).*_proj"), torch.float32),
    "all-linear": (dict(r=2, lora_alpha=2, target_modules="all-linear"), torch.float32),
    "exclude": (dict(r=2, lora_alpha=3, target_modules=["o_proj", "up_proj"], exclude_modules=["layers.0.mlp.up_proj"]), torch.float32),
    "some-layers": (dict(r=2, lora_alpha=3, target_modules=ALL, layers_to_transform=[1]), torch.float32),
    "first-layer": (
        dict(r=2, lora_alpha=3, target_modules=["q_proj", "up_proj"], layers_to_transform=0, layers_pattern="layers"),
        torch.float32,
    ),
    "no-layer": (  # a module named in full is not filtered by its layer
        dict(r=2, lora_alpha=3, target_modules=["q_proj", "model.layers.0.mlp.up_proj"], layers_to_transform=[1], layers_pattern=["h", "layers"]),
        torch.float32,
    ),
    "repeat": (dict(r=2, lora_alpha=3, target_modules=r"model\.layers\.\d{,2}\.mlp\.(up|down)_proj{,1}"), torch.float32),
    "whole-names": (dict(r=2, lora_alpha=3, target_modules=["model.layers.0.mlp.down_proj", "1.self_attn.k_proj"]), torch.float32),
}
PATTERNS = {  # the same for adapters with several ranks or scales
    "rank-pattern": (dict(r=3, lora_alpha=8, target_modules=ALL, rank_pattern={"q_proj": 1, r"layers\.1\.mlp\..*": 5, "up_proj": 2}), torch.float32),
    "alpha-pattern": (dict(r=4, lora_alpha=8, target_modules=ALL, alpha_pattern={"mlp.up_proj": 5, "^model.layers.0.*": 16}), torch.float32),
    "rslora-patterns": (
        dict(r=4, lora_alpha=8, use_rslora=True, target_modules=["k_proj", "gate_proj"], rank_pattern={"k_proj": 2}, alpha_pattern={"0.mlp.gate_proj": 3}),
        torch.bfloat16,
    ),
    "wider-than-r": (dict(r=8, lora_alpha=8, target_modules=["v_proj"], rank_pattern={"v_proj": 2}, alpha_pattern={"v_proj": 6}), torch.float32),
}
REFUSED = {  # name: (configuration, the field that the error must name)
    "dora": (dict(use_dora=True), "use_dora"),
    "bias": (dict(bias="lora_only"), "bias"),
    "lora bias": (dict(lora_bias=True), "lora_bias"),
    "modules to save": (dict(modules_to_save=["lm_head"]), "modules_to_save"),
    "rank by lookahead": (dict(rank_pattern={"(?!k).*_proj": 2}), "rank_pattern"),
    "alpha by lookahead": (dict(alpha_pattern={"(?!k).*_proj": 2}), "alpha_pattern"),
    "token indices": (dict(trainable_token_indices=[1, 2]), "trainable_token_indices"),
    "replication": (dict(layer_replication=[(0, 2), (0, 2)]), "layer_replication"),
    "parameters": (dict(target_parameters=["mlp.gate_proj.weight"]), "target_parameters"),
    "activated": (dict(alora_invocation_tokens=[1]), "alora_invocation_tokens"),
    "fan in fan out": (dict(fan_in_fan_out=True), "fan_in_fan_out"),
    "pissa": (dict(init_lora_weights="pissa"), "init_lora_weights"),
    "pissa by iterations": (dict(init_lora_weights="pissa_niter_4"), "init_lora_weights"),
    "olora": (dict(init_lora_weights="olora"), "init_lora_weights"),
    "corda": (dict(init_lora_weights="corda"), "init_lora_weights"),
    "output layer": (dict(target_modules=["q_proj", "lm_head"]), "target_modules"),
    "embedding": (dict(target_modules=["q_proj", "embed_tokens"]), "target_modules"),
    "sequence classification": (dict(task_type="SEQ_CLS"), "task_type"),
}


def save_accepted(name, config, dtype):
    torch.manual_seed(7)
    model = get_peft_model(
        Qwen3ForCausalLM(BASE), LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **config),
        autocast_adapter_dtype=False,
    )
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = "some/base"
    if isinstance(saved["target_modules"], list):
        saved["target_modules"].sort()  # a set's order differs from run to run
    path.write_text(json.dumps(saved, indent=2, sort_keys=True))
    if name in PATTERNS:
        # As PEFT loads the file: saving sorts patterns, of which the first that matches counts.
        model = PeftModel.from_pretrained(Qwen3ForCausalLM(BASE), folder, autocast_adapter_dtype=False)
        changes = {
            n.removeprefix("base_model.model."): m.get_delta_weight("default").detach().float().contiguous()
            for n, m in model.named_modules() if hasattr(m, "lora_A")
        }
        save_file(changes, folder / "delta.safetensors")
        return None
    scale = {m.scaling["default"] for m in model.modules() if hasattr(m, "lora_A")}
    sums = {
        n.replace(".default", ""): hashlib.sha256(p.data.float().numpy().tobytes()).hexdigest()
        for n, p in model.named_parameters() if ".lora_" in n
    }
    return {"scale": scale.pop(), "sha256": sums}


def config_text(config):
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        return json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        BASE.save_pretrained(folder)
        shutil.copy(pathlib.Path(folder) / "config.json", OUT / "base_config.json")
    accepted = {n: save_accepted(n, *case) for n, case in ACCEPTED.items()}
    for name, case in PATTERNS.items():
        save_accepted(name, *case)
    refused = {
        n: {"field": field, "config": config_text(LoraConfig(**{"target_modules": ["q_proj"], "task_type": "CAUSAL_LM", **c}))}
        for n, (c, field) in REFUSED.items()
    }
    refused["ia3"] = {"field": "peft_type", "config": config_text(IA3Config(target_modules=["k_proj"], feedforward_modules=[]))}
    (OUT / "cases.json").write_text(json.dumps({"accepted": accepted, "refused": refused}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

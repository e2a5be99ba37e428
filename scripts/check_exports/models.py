"""Random Qwen3 models and adapters, made with transformers and PEFT, and the prompts they are compared on."""

import random
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3Config, Qwen3ForCausalLM

VOCABULARY = 4608  # of the built-in model's tokenizer

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# name: the model's shape, and the adapter's settings
CASES = {
    "tied, grouped heads, all targets": (
        dict(hidden_size=128, intermediate_size=320, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=32, tie_word_embeddings=True),
        dict(r=8, lora_alpha=16, target_modules=ALL)),
    "untied, rsLoRA, alpha 5 of rank 6": (
        dict(hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, head_dim=32, tie_word_embeddings=False),
        dict(r=6, lora_alpha=5, use_rslora=True, target_modules=ALL)),
    "tied, one key head, wide heads, q v": (
        dict(hidden_size=96, intermediate_size=224, num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=1, head_dim=64, tie_word_embeddings=True),
        dict(r=4, lora_alpha=7, target_modules=["q_proj", "v_proj"])),
    "untied, o down of some layers, rope base 500000": (
        dict(hidden_size=160, intermediate_size=288, num_hidden_layers=3, num_attention_heads=5, num_key_value_heads=5, head_dim=32, tie_word_embeddings=False,
             rope_theta=500000.0, rms_norm_eps=1e-5),
        dict(r=3, lora_alpha=1, target_modules=["o_proj", "down_proj"], layers_to_transform=[0, 2], layers_pattern="layers")),
}


def make(folder, tokenizer_folder, shape, adapter, seed):
    """Writes folder/base and folder/adapter."""
    torch.manual_seed(seed)
    config = Qwen3Config(vocab_size=VOCABULARY, max_position_embeddings=1024, bos_token_id=4582, eos_token_id=4582, pad_token_id=4582, initializer_range=0.08, **shape)
    model = Qwen3ForCausalLM(config)
    with torch.no_grad():  # norms that differ, so that one in the place of another makes a difference
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.copy_(1 + 0.3 * torch.randn_like(weight))
    model.save_pretrained(folder / "base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer_folder / name, folder / "base" / name)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **adapter))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.05 * torch.randn_like(weight))
    tuned.peft_config["default"].base_model_name_or_path = str(folder / "base")
    tuned.save_pretrained(folder / "adapter")


WORDS = "hey what's up are you coming tonight? no idea lol the train is late again see you at 8 Grüße 🙂 ok <3 haha that was GREAT & \\\"fine\\\" 2024 http://x.org/a?b=1".split(" ")


def prompts(count, seed=1):
    """Windows up to the name of who writes next."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        names = draw.sample(["Aidan", "John", "Zoë", "Ada"], 2)
        text = f'{{"type": "dm", "members": ["{min(names)}", "{max(names)}"], "start": "20{draw.randint(10, 25)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"}}\n'
        for _ in range(draw.randint(1, 4)):
            words = " ".join(draw.choices(WORDS, k=draw.randint(1, 9)))
            text += f'{{"name": "{draw.choice(names)}", "delta": "{draw.choice(["<1m", "<5m", "1d+"])}", "reply_to": null, "content_type": "text", "text": "{words}"}}\n'
        texts.append(text + f'{{"name": "{draw.choice(names)}", "')
    return texts

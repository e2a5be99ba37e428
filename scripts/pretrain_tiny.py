#!/usr/bin/env python3
"""Pretrains the bundled base model `tiny` from scratch on rendered windows of the bundled chat.

    pretrain_tiny.py --chat train.jsonl.gz --tokenizer internal/model/tiny --out build/tiny --minutes 75

Two stages, first with short rows, then with long ones, under one cosine schedule. The stages are limited by time rather than
steps, so that training ends on time on a busy machine too. build/tiny/state.pt is written every few minutes, and a second call
resumes from it. build/tiny/export holds the model in Hugging Face's format.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import nn

import chat_corpus

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 256,
    "initializer_range": 0.02,
    "intermediate_size": 640,
    "max_position_embeddings": 4096,
    "model_type": "qwen3",
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
}
SHORT, LONG = 768, 2048  # tokens per row in the two stages
LONG_SHARE = 0.25  # of the time
RENAMED = 0.7  # share of the training windows whose people get other names
HELD_OUT_EVERY = 28  # one of this many days, in order, is held out


# The model, with Hugging Face's names. Letters: B rows, T tokens, C hidden, H heads, K kv heads, D head_dim.


class Attention(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.heads, self.kv, self.dim = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        self.q_proj = nn.Linear(c["hidden_size"], self.heads * self.dim, bias=False)
        self.k_proj = nn.Linear(c["hidden_size"], self.kv * self.dim, bias=False)
        self.v_proj = nn.Linear(c["hidden_size"], self.kv * self.dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.dim, c["hidden_size"], bias=False)
        self.q_norm = nn.RMSNorm(self.dim, eps=c["rms_norm_eps"])
        self.k_norm = nn.RMSNorm(self.dim, eps=c["rms_norm_eps"])

    def forward(self, x, cos, sin):
        B, T, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(B, T, self.heads, self.dim)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(B, T, self.kv, self.dim)).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.kv, self.dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = self.heads // self.kv
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, -1))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class MLP(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.gate_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.self_attn = Attention(c)
        self.post_attention_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.mlp = MLP(c)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Qwen3(nn.Module):
    def __init__(self, c: dict):
        super().__init__()
        self.config = c
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.02 / (math.sqrt(2 * c["num_hidden_layers"]) if deep else 1))

    def forward(self, ids, labels):
        half = self.config["head_dim"] // 2
        rate = self.config["rope_theta"] ** (-torch.arange(half) / half)
        angle = torch.arange(ids.shape[1])[:, None] * rate
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, angle.cos(), angle.sin())
        logits = F.linear(self.norm(x), self.embed_tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())


# Rows of tokens from days of chat.


def casts(messages: list, rng: random.Random) -> list[set[str]]:
    """Returns the sets of members to render one day for: everyone, or two or three smaller groups, and a few pairs."""
    people = sorted({m.name for m in messages})
    rng.shuffle(people)
    draw = rng.random()
    if draw < 0.45:
        groups = [set(people)]
    else:
        cuts = sorted(rng.sample(range(3, len(people) - 2), 1 if draw < 0.8 else 2)) if len(people) > 7 else []
        edges = [0, *cuts, len(people)]
        groups = [set(people[a:b]) for a, b in zip(edges, edges[1:])]
    pairs = {frozenset((m.name, m.answers.name)) for m in messages if m.answers and m.answers.name != m.name}
    pairs = sorted(pairs, key=sorted)
    rng.shuffle(pairs)
    return groups + [set(p) for p in pairs[:2]]


class Corpus:
    """Rows of tokens. A token without loss is stored as its complement, -1 - id."""

    def __init__(self, days: dict, tokenizer: Tokenizer, renamed: float = 0.0):
        self.days, self.tokenizer, self.renamed = days, tokenizer, renamed
        self.end = tokenizer.token_to_id("<|endoftext|>")
        self.names = sorted({m.name for messages in days.values() for m in messages})

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def new_names(self, cast: set, rng: random.Random):
        """Other names for a share of the windows, so that the model learns speakers from the window instead of memorizing them."""
        if rng.random() >= self.renamed:
            return lambda text: text
        return chat_corpus.Renamer(dict(zip(sorted(cast), rng.sample(self.names, len(cast)))))

    def rows(self, length: int, rng: random.Random) -> list[list[int]]:
        """Returns every day once as rows of length + 1 tokens. The limits of the windows are drawn anew each time."""
        rows = []
        for messages in self.days.values():
            for cast in casts(messages, rng):
                spoken = [m for m in messages if m.name in cast]
                if len(cast) == 2 and len(spoken) < 8:
                    continue
                rows += self.walk(spoken, cast, length, rng)
        rng.shuffle(rows)
        return rows

    def walk(self, spoken: list, cast: set, length: int, rng: random.Random) -> list[list[int]]:
        rows, row, at = [], [], min(rng.randrange(6), len(spoken) - 1)
        while at < len(spoken):
            # A window fills the row, or ends early so that the model sees what follows the end of a text.
            limit = length + 1 if rng.random() < 0.6 else len(row) + rng.randrange(128, length)
            rename = self.new_names(cast, rng)
            head = chat_corpus.header({rename(name) for name in cast}, spoken[at].time)
            row += [-1 - i for i in self.ids(head)]
            before = None
            while at < len(spoken) and len(row) <= min(limit, length):
                row += self.ids(chat_corpus.render(spoken[at], before, cast, rename))
                before = spoken[at].time
                at += 1
            if len(row) <= length:
                row.append(self.end)
            if len(row) > length:
                rows.append(row[: length + 1])
                row = []
        if len(row) > length // 2:  # the end of the day: padding carries no loss
            rows.append(row + [-1 - self.end] * (length + 1 - len(row)))
        return rows


def batches(corpus: Corpus, length: int, tokens: int, rng: random.Random):
    while True:
        rows = corpus.rows(length, rng)
        size = max(1, tokens // length)
        print(f"{len(rows)} rows of {length} tokens", flush=True)
        for at in range(0, len(rows) - size + 1, size):
            yield tensors(rows[at : at + size])


def tensors(rows: list[list[int]]):
    rows = torch.tensor(rows)
    labels = rows[:, 1:].clone()
    labels[labels < 0] = -100
    ids = torch.where(rows < 0, -1 - rows, rows)
    return ids[:, :-1], labels


@torch.no_grad()
def held_out_loss(model: Qwen3, corpus: Corpus, length: int, limit: int | None = None) -> float:
    """Mean natural-log loss over all message tokens of the held-out days, rendered with everyone in them."""
    total = count = 0
    for messages in corpus.days.values():
        cast = {m.name for m in messages}
        for row in corpus.walk(messages, cast, length, random.Random(1))[:limit]:
            ids, labels = tensors([row])
            n = int((labels >= 0).sum())
            total += float(model(ids, labels)) * n
            count += n
    return total / count


def split_days(days: dict) -> tuple[dict, dict]:
    usable = sorted(day for day, messages in days.items() if not chat_corpus.names_demo_person(messages))
    held = set(usable[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY])
    return {d: days[d] for d in usable if d not in held}, {d: days[d] for d in held}


class Muon(torch.optim.Optimizer):
    """Muon: momentum with an orthogonalized update (Jordan et al., 2024), scaled to the size of AdamW's updates.

    torch.optim.Muon computes in bf16, which on a CPU without bf16 units is a hundred times slower than f32.
    """

    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
                velocity.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(velocity, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(p.shape)))


def orthogonal(g: torch.Tensor) -> torch.Tensor:
    """Brings the singular values of g near one by five Newton-Schulz steps."""
    x = g if g.shape[0] <= g.shape[1] else g.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if g.shape[0] <= g.shape[1] else x.T


def optimizers(model: Qwen3, rate: float, embed_rate: float):
    """Muon for the layers' matrices, AdamW for the embedding and the norms."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    return [Muon(matrices, rate), torch.optim.AdamW(rest, lr=embed_rate, betas=(0.9, 0.95), weight_decay=0.0)]


def export(model: Qwen3, config: dict, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{n}": p.detach().to(torch.bfloat16).contiguous() for n, p in model.named_parameters()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    generation = {"bos_token_id": config["bos_token_id"], "do_sample": False, "eos_token_id": config["eos_token_id"],
                  "max_new_tokens": 2048}
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


class Run:
    """A training run that can be interrupted and resumed."""

    def __init__(self, args, config: dict):
        torch.manual_seed(args.seed)
        self.args, self.config = args, config
        self.model = Qwen3(config)
        self.loss = torch.compile(self.model)
        # GEMMs in bf16 where the CPU has bf16 units; weights, sums and the optimizer stay in f32.
        self.half = torch.autocast("cpu", torch.bfloat16, torch.cpu._is_avx512_bf16_supported())
        self.optimizers = optimizers(self.model, args.rate, args.embed_rate)
        self.step = self.tokens = 0
        self.elapsed = 0.0  # seconds of training, over all calls
        self.state = args.out / "state.pt"
        if self.state.exists():
            saved = torch.load(self.state, weights_only=False)
            self.model.load_state_dict(saved["model"])
            for optimizer, state in zip(self.optimizers, saved["optimizers"]):
                optimizer.load_state_dict(state)
            self.step, self.tokens, self.elapsed = saved["step"], saved["tokens"], saved["elapsed"]

    def save(self) -> None:
        beside = self.state.with_suffix(".partial")
        torch.save({"model": self.model.state_dict(), "optimizers": [o.state_dict() for o in self.optimizers],
                    "step": self.step, "tokens": self.tokens, "elapsed": self.elapsed}, beside)
        beside.replace(self.state)
        export(self.model, self.config, self.args.out / "export")

    def progress(self) -> float:
        return min(1.0, self.elapsed / (self.args.minutes * 60))

    def scale(self) -> float:
        """The factor of the learning rate: 100 steps of warm-up, then a cosine over time down to 2%."""
        return min(1.0, (self.step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress())))

    def update(self, ids, labels) -> float:
        with self.half:
            loss = self.loss(ids, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, rate in zip(self.optimizers, (self.args.rate, self.args.embed_rate)):
            for group in optimizer.param_groups:
                group["lr"] = rate * self.scale()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += int((labels >= 0).sum())
        return float(loss.detach())


def train(run: Run, training: Corpus, held_out: Corpus) -> None:
    rng = random.Random(run.args.seed + run.step)
    saved = time.monotonic()
    mean = None
    for length, until in ((SHORT, 1 - LONG_SHARE), (LONG, 1.0)):
        if run.progress() >= until:
            continue
        for ids, labels in batches(training, length, run.args.batch_tokens, rng):
            began = time.monotonic()
            loss = run.update(ids, labels)
            now = time.monotonic()
            run.elapsed += now - began
            mean = loss if mean is None else 0.95 * mean + 0.05 * loss
            if run.step % 10 == 0:
                print(f"step {run.step} row {length} loss {mean:.3f} tokens {run.tokens / 1e6:.2f}M "
                      f"minutes {run.elapsed / 60:.1f} {labels.numel() / (now - began):.0f} tokens/s", flush=True)
            if now - saved > run.args.save_minutes * 60:
                run.save()
                print(f"held out {held_out_loss(run.model, held_out, length, 4):.3f}", flush=True)
                saved = time.monotonic()
            if run.progress() >= until or time.time() > run.args.stop_at:
                break
    run.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chat", type=Path, required=True, help="train.jsonl.gz of the ubuntu-irc chat")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with the cut tokenizer.json")
    parser.add_argument("--out", type=Path, default=Path("build/tiny"))
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--stop-at", type=float, default=math.inf, help="Unix time at which to stop whatever is left")
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--batch-tokens", type=int, default=4608)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--embed-rate", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)

    tokenizer = Tokenizer.from_file(str(args.tokenizer / "tokenizer.json"))
    days, kept_out = split_days(chat_corpus.read(args.chat))
    training, held_out = Corpus(days, tokenizer, RENAMED), Corpus(kept_out, tokenizer)
    (args.out / "days.txt").write_text("".join(f"{day} train\n" for day in sorted(training.days))
                                       + "".join(f"{day} held-out\n" for day in sorted(held_out.days)))
    config = {**CONFIG, "vocab_size": tokenizer.get_vocab_size(), "bos_token_id": training.end, "eos_token_id": training.end}
    run = Run(args, config)
    print(f"{sum(p.numel() for p in run.model.parameters())} parameters, {len(training.days)} days, "
          f"{len(held_out.days)} held out", flush=True)
    train(run, training, held_out)
    loss = held_out_loss(run.model, held_out, LONG)
    report = {"steps": run.step, "tokens": run.tokens, "minutes": round(run.elapsed / 60, 1),
              "held_out_loss": round(loss, 4), "held_out_perplexity": round(math.exp(loss), 3)}
    (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()

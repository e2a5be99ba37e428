#!/usr/bin/env python3
"""Writes internal/generate/testdata/sampling.json: logits, and what the logits processors of transformers make of them.

    pip install torch transformers
    python3 scripts/make_sampling_goldens.py

The tests of the sampler compare with this file. The processors, and their order, are those that `generate` of transformers uses for the
same settings: RepetitionPenaltyLogitsProcessor, then TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper and MinPLogitsWarper.
Each case has the settings, the logits, the ids written before, the logits after the penalty alone, and the probabilities in the end: of
each token, 0 for those that are cut.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM
from transformers.generation.logits_process import MinPLogitsWarper, RepetitionPenaltyLogitsProcessor

VOCAB = 24
SETTINGS = [  # temperature, top-k, top-p, min-p, repetition penalty
    (1.0, 0, 1.0, 0.0, 1.0),
    (1.0, 0, 1.0, 0.02, 1.0),
    (1.0, 0, 1.0, 0.2, 1.0),
    (0.5, 0, 1.0, 0.1, 1.0),
    (2.0, 0, 1.0, 0.3, 1.0),
    (1.0, 0, 1.0, 1.0, 1.0),
    (1.0, 0, 1.0, 0.0, 1.2),
    (1.0, 0, 1.0, 0.0, 5.0),
    (0.7, 0, 1.0, 0.0, 0.8),
    (0.7, 0, 1.0, 0.05, 1.2),
    (0.7, 0, 0.9, 0.05, 1.2),
    (1.3, 9, 0.8, 0.1, 1.5),
]


def processors(model, temperature, top_k, top_p, min_p, penalty):
    config = GenerationConfig(do_sample=True, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p or None,
                              repetition_penalty=penalty)
    found = model._get_logits_processor(config, input_ids_seq_length=1)
    kinds = [type(p) for p in found]
    assert (MinPLogitsWarper in kinds) == (min_p > 0) and (RepetitionPenaltyLogitsProcessor in kinds) == (penalty != 1), kinds
    return found


def main():
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=VOCAB, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
                                         num_key_value_heads=1, head_dim=8))
    generator = torch.Generator().manual_seed(12)
    cases = []
    for temperature, top_k, top_p, min_p, penalty in SETTINGS:
        logits = 2 * torch.randn(1, VOCAB, generator=generator)
        written = torch.randint(0, VOCAB, (1, 7), generator=generator)
        written = torch.cat([written, written[:, :2]], dim=1)  # some twice
        scores, penalized = logits.clone(), logits.clone()
        for p in processors(model, temperature, top_k, top_p, min_p, penalty):
            scores = p(written, scores)
            if isinstance(p, RepetitionPenaltyLogitsProcessor):
                penalized = scores.clone()
        cases.append({
            "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "repetition_penalty": penalty,
            "logits": logits[0].tolist(), "written": written[0].tolist(), "penalized": penalized[0].tolist(),
            "probabilities": torch.softmax(scores[0].double(), -1).tolist(),
        })
    out = Path(__file__).parent.parent / "internal/generate/testdata/sampling.json"
    out.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(c) for c in cases)
    out.write_text(f'{{"transformers": "{transformers.__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"wrote {out}")


if __name__ == "__main__":
    main()

"""Checks what `vqctl export` writes with the programs that it is for: transformers, PEFT, llama.cpp, mlx-lm and Ollama's parser.

Needs: pip install -r scripts/check_exports/requirements.txt; a built vqctl; for Ollama's parser go, and a network once.
Usage: python3 scripts/check_exports [--vqctl bin/vqctl] [--prompts 200] [--adapter DIR --data-path WINDOWS.jsonl]

Without --adapter, makes random Qwen3 models with adapters. Every export is compared with the base model and the adapter in
transformers and PEFT, in float32: the distributions of the last 32 tokens of the prompts, and greedy texts of 24 tokens. Prints a table, and
fails if an export's text differs at f32 or f16 where the most likely token is ahead of the second by more than the type's rounding
explains, or if the mean KL is above the type's limit.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}

GREEDY = 24
LAST = 32  # tokens of a prompt whose distributions are compared
# type: the largest mean KL, and within which lead of the most likely token texts may part; None: texts may differ
LIMITS = {"f32": (1e-5, 1e-3), "f16": (1e-3, 0.05), "bf16": (0.02, None), "q8_0": (0.02, None), "q4_k_m": (0.5, None)}


class Check:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.rows, self.failures, self.number = [], [], 0

    def export(self, form, base, adapter, kind=None):
        self.number += 1
        path = self.folder / (f"{self.number}" + (".gguf" if form.startswith("gguf") else ""))
        command = [self.options.vqctl, "export", "--format", form, "--output", str(path), "--base-model", str(base), "--adapter", str(adapter)]
        command += ["--type", kind] if kind else []
        command += ["--person", "Aidan", "--with", "John"] if form == "ollama" else []
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return path

    def compare(self, case, what, kind, reader, reference):
        """reference: a list of (ids, log-probabilities, greedy tokens with their leads)."""
        import numpy as np

        total, tokens, equal, tied, largest = 0.0, 0, 0, 0, 0.0
        texts = reader.greedy([ids for ids, _, _ in reference], GREEDY)
        for (ids, want, text), written in zip(reference, texts):
            got = reader.logits(ids, LAST)
            kl = np.maximum((np.exp(want) * (want - got)).sum(-1), 0)
            total, tokens, largest = total + kl.sum(), tokens + len(kl), max(largest, float(kl.max()))
            parts = next((i for i, (a, b) in enumerate(zip(text, written)) if a[0] != b[0]), None)
            limit = LIMITS[kind][1]
            equal += parts is None
            tied += parts is not None and limit is not None and text[parts][1] < limit
        mean, parted = total / tokens, len(reference) - equal - tied
        ok = mean <= LIMITS[kind][0] and (LIMITS[kind][1] is None or parted == 0)
        if not ok:
            self.failures.append(f"{case}: {what} {kind}")
        self.rows.append((case, what, kind, mean, largest, equal, tied, len(reference)))
        print(f"{'ok  ' if ok else 'FAIL'} {case}: {what} {kind}: KL {mean:.2g} (at most {largest:.2g}), {equal} of {len(reference)} texts equal, {tied} part at a tie", flush=True)

    def case(self, name, base, merged_base, adapter, texts):
        """base: a folder of transformers; merged_base: what vqctl calls it."""
        from readers import LlamaCpp, MLX, Transformers
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
        original = Transformers(base, adapter)
        prompts = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        reference = [(ids, original.logits(ids, LAST), text) for ids, text in zip(prompts, original.greedy(prompts, GREEDY))]
        del original
        self.compare(name, "peft", "f32", Transformers(base, self.export("peft", merged_base, adapter)), reference)
        for kind in ("f32", "f16", "bf16"):
            self.compare(name, "safetensors", kind, Transformers(self.export("safetensors", merged_base, adapter, kind)), reference)
        for kind in self.kinds():
            model = LlamaCpp(self.export("gguf", merged_base, adapter, kind))
            for text, (ids, _, _) in zip(texts, reference):
                assert model.ids(text) == ids, f"{name}: llama.cpp tokenizes {text!r} otherwise"
            self.compare(name, "gguf", kind, model, reference)
        plain = self.folder / "base.gguf"
        subprocess.run([self.options.vqctl, "export", "--format", "gguf", "--type", "f32", "--output", plain, "--base-model", str(merged_base)], check=True, capture_output=True)
        self.compare(name, "gguf-lora on f32", "f32", LlamaCpp(plain, self.export("gguf-lora", merged_base, adapter)), reference)
        self.compare(name, "mlx", "f32", MLX(base, self.export("mlx", merged_base, adapter)), reference[:2])  # slow without a GPU

    def kinds(self):
        return ("f32", "f16", "bf16", "q8_0") + (("q4_k_m",) if self.options.quantize else ())

    def ollama(self, base, adapter):
        """Ollama's parser and template make the text of a window."""
        folder = self.export("ollama", base, adapter)
        turns = ["system:be nice", 'user:who is "he"? <3', 'assistant:he said \\"hi\\"', "user:ok"]
        done = subprocess.run(["go", "run", ".", str(folder.resolve() / "Modelfile"), *turns], cwd=HERE / "ollama", capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        said = json.loads(done.stdout)
        header, *lines = said["prompt"].split("\n")
        assert json.loads(header)["members"] == ["Aidan", "John"], header
        opening = '{"name": "%s", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "'
        assert lines == [opening % "John" + 'who is \\"he\\"? <3"}', opening % "Aidan" + 'he said \\"hi\\""}', opening % "John" + 'ok"}', opening % "Aidan"], lines
        assert said["parameters"]["stop"] == ['"}\n'] and not said["system"] and len(said["files"]) == 1, said
        print("ok   ollama: its parser reads the Modelfile, its template makes the text of a window")

    def table(self):
        print("\n| model | export | type | mean KL | largest KL | equal texts | parted at a tie |\n|---|---|---|---|---|---|---|")
        for case, what, kind, mean, largest, equal, tied, count in self.rows:
            print(f"| {case} | {what} | {kind} | {mean:.1e} | {largest:.1e} | {equal} of {count} | {tied} |")


def quantizer(folder):
    """Puts llama.cpp's quantizer, as its Python package has it, into PATH as llama-quantize."""
    program = folder / "llama-quantize"
    program.write_text(f"""#!{sys.executable}
import sys
import llama_cpp
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype = {{"Q4_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M}}[sys.argv[3]]
parameters.nthread = 1
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), parameters))
""")
    program.chmod(0o700)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def windows(path, count):
    """Prompts from a window file: windows without the words of their last message, of at most 600 characters before it."""
    texts = []
    for line in open(path):
        text = json.loads(line)["text"].rstrip("\n")
        before, _, last = text.rpartition("\n")
        header, *lines = before.split("\n")
        while lines and len(header) + sum(map(len, lines)) > 600:
            lines.pop(0)
        texts.append("\n".join([header, *lines]) + "\n" + last[: last.index('", "') + 4])
    step = max(1, len(texts) // count)
    return texts[::step][:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vqctl", default=str(ROOT / "bin/vqctl"))
    parser.add_argument("--prompts", type=int, default=200, help="of all models together")
    parser.add_argument("--case", type=int, help="only this one of the random models, counted from 0, with its share of the prompts")
    parser.add_argument("--adapter", type=pathlib.Path, help="an adapter of the built-in model, instead of random models")
    parser.add_argument("--data-path", help="window file to take its prompts from")
    parser.add_argument("--quantize", action="store_true", help="also make q4_k_m with the quantizer of llama.cpp's Python package")
    options = parser.parse_args()
    options.vqctl = str(pathlib.Path(options.vqctl).resolve())

    import models
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)  # models this small gain nothing from more
    tiny = ROOT / "internal/model/tiny"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if options.quantize:
            quantizer(folder)
        check = Check(options, folder)
        if options.adapter:
            check.case("tiny, trained", tiny, "tiny", options.adapter, windows(options.data_path, options.prompts))
            check.ollama("tiny", options.adapter)
        else:
            each = max(1, options.prompts // len(models.CASES))
            for seed, (case, (shape, adapter)) in enumerate(models.CASES.items()):
                if options.case not in (None, seed):
                    continue
                here = folder / f"case{seed}"
                models.make(here, tiny, shape, adapter, seed)
                check.case(case, here / "base", here / "base", here / "adapter", models.prompts(each, seed))
            check.ollama(here / "base", here / "adapter")
        check.table()
    if check.failures:
        sys.exit("failed: " + "; ".join(check.failures))


if __name__ == "__main__":
    main()

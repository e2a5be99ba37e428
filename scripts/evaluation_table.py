#!/usr/bin/env python3
"""Trains and evaluates on 20,000 messages of the ubuntu-irc corpus, and prints the table of docs/evaluation.md.

    scripts/evaluation_table.py --chat train.jsonl.gz [--dir build/evaluation] [--vqctl bin/vqctl]
    scripts/evaluation_table.py --results FILE.json     # the table of results that are there

The messages are of days that the built-in base model was not trained on (internal/model/tiny/days.txt), each with its twelve
busiest people: one conversation a day. Whatever was done is not done again: delete --dir to begin anew. Needs `make`, no package.
"""

import argparse
import gzip
import json
import os
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = 20_000
STYLE_MESSAGES = "400"
TRAIN = ["--base-model", "tiny", "--lora-r", "32", "--lora-alpha", "64", "--learning-rate", "2e-3", "--batch-size", "2",
         "--gradient-accumulation-steps", "1", "--num-epochs", "1", "--warmup-ratio", "0.03", "--max-seq-length", "1536",
         "--eval-steps", "0", "--samples", "0", "--save-steps", "100", "--keep-checkpoints", "1"]
WINDOWS = "data/training_windows.jsonl"


def unseen_days(chat: Path) -> list[dict]:
    """Returns the first MESSAGES messages of the days that the base model has not seen, in order."""
    seen = {day for day, kind in (line.split() for line in (ROOT / "internal/model/tiny/days.txt").read_text().splitlines())
            if kind == "train"}
    days = defaultdict(list)
    with gzip.open(chat, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["chat"].split()[1] not in seen:
                days[row["chat"].split()[1]].append(row)
    return [row for day in sorted(days) for row in days[day]][:MESSAGES]


def people(rows: list[dict]) -> set[str]:
    """Returns one spelling of each name: those that differ in case alone are of one person."""
    return set({name.lower(): name for name, _ in reversed(Counter(row["name"] for row in rows).most_common())}.values())


class Folder:
    """A folder of vqctl's, and its steps: each runs unless its result is there."""

    def __init__(self, path: Path, vqctl: Path):
        self.path, self.vqctl, self.environment = path, vqctl.resolve(), dict(os.environ)

    def run(self, *args: str) -> str:
        print("vqctl", *args, flush=True)
        done = subprocess.run([self.vqctl, *args], cwd=self.path, env=self.environment, check=True, stdout=subprocess.PIPE)
        return done.stdout.decode()

    def collect(self, rows: list[dict]) -> None:
        owner = Counter(row["name"] for row in rows).most_common(1)[0][0]
        self.environment |= {"MY_NAME": owner, "USER_IDENTIFIERS": owner}
        if (self.path / WINDOWS).exists():
            return
        (self.path / "data").mkdir(parents=True, exist_ok=True)
        (self.path / "chat.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        (self.path / "data/contacts_to_ids.jsonl").write_text("".join(
            json.dumps({"contact": name, "ids": [name]}, ensure_ascii=False) + "\n"
            for name in sorted(people(rows) - {owner})), encoding="utf-8")
        self.run("collect", "--source", "chat.jsonl", "--me", owner)
        self.run("preprocess", "--window", "16", "--stride", "14", "--held-out", "0", "--base-model", "tiny")

    def train(self) -> None:
        output = self.path / "checkpoints/ventriloquist"
        if (output / "final").exists():
            return
        resume = (output / "run.json").exists()
        self.run("train", *(["--resume"] if resume else ["--data-path", WINDOWS, *TRAIN]))

    def evaluate(self, name: str, *args: str) -> dict:
        path = self.path / f"{name}.json"
        if not path.exists():
            path.write_text(self.run("evaluate", "--data-path", WINDOWS, "--adapter", "checkpoints/ventriloquist/final", "--with-base",
                                     "--skip-generation", "--json", *args))
        return json.loads(path.read_text())


def interval(value: list | None, form: str, scale: float = 1) -> str:
    return f" ({form.format(scale * value[0])} to {form.format(scale * value[1])})" if value else ""


def figure(value: float, between: list | None, form: str = "{:.3f}") -> str:
    return form.format(value) + interval(between, form)


def share(value: float, between: list | None) -> str:
    return f"{100 * value:.1f}%" + (interval(between, "{:.0f}", 100) + "%").replace(")%", "%)") if between else f"{100 * value:.1f}%"


def signed(difference: dict | None, unit: str = "", scale: float = 1, form: str = "{:+.3f}") -> str:
    if not difference:
        return ""
    return form.format(scale * difference["difference"]) + unit + interval(difference["interval"], form, scale)


def table(results: dict) -> str:
    """Returns the rows of docs/evaluation.md: the tuned model, its base model, their difference, and what to compare with."""
    tuned, base, difference = results, results["others"][0], results["differences"][0]
    rows = [("perplexity", *(figure(m["perplexity"], m["interval"]["perplexity"]) for m in (tuned, base)),
             f"loss {difference['loss']:+.3f}{interval(difference['interval'], '{:+.3f}')} nats", "")]
    who, detail = [[m[name] for m in (tuned, base)] for name in ("who_said_it", "who_said_it_detail")]
    rows.append(("who said it", *(share(w["accuracy"], d["accuracy_interval"]) for w, d in zip(who, detail)),
                 signed(difference["who_said_it_accuracy"], " points", 100, "{:+.1f}"),
                 f"chance {100 * who[0]['chance']:.1f}%, majority {100 * who[0]['majority']:.1f}%"))
    rows.append(("who said it, with context", *(share(d["accuracy_with_context"], d["accuracy_with_context_interval"]) for d in detail), "",
                 f"majority {100 * who[0]['majority']:.1f}%"))
    rows.append(("calibration error", *(f"{w['ece']:.3f}" for w in who), "", ""))
    following = [m["next_message"] for m in (tuned, base)]
    for key, name, of in (("speaker", "who writes next", "next_speaker_log_loss"), ("delay", "how soon", "next_delay_log_loss"),
                          ("content_type", "what kind", ""), ("reaction", "a reaction or none", ""), ("reaction_kind", "which reaction", "")):
        if key in following[0]:
            rows.append((f"{name}, log-loss", *(f"{n[key]['log_loss']:.3f}" for n in following), signed(difference.get(of)),
                         f"by frequency {following[0][key]['frequency_log_loss']:.3f}"))
    if following[0].get("reply_times", {}).get("per_contact"):
        times = [n["reply_times"] for n in following]
        rows.append(("reply times, distance in classes", *(figure(t["distance"], t["interval"]) for t in times),
                     signed(difference.get("reply_time_distance")), f"floor {times[0]['floor']:.3f}, ceiling {times[0]['ceiling']:.3f}"))
    for name, of in tuned["style"]["all"].items():
        rows.append((f"style: {name}", *(figure(m["style"]["all"][name]["distance"], m["style"]["all"][name]["interval"]) for m in (tuned, base)),
                     signed(results["style_differences"][0]["features"][name]), f"floor {of['floor']:.3f}, ceiling {of['ceiling']:.3f}"))
    for i, copies in enumerate(tuned["leaks"]["copies"]):
        rows.append((f"copies of {copies['characters']}+ characters",
                     *(share(m["leaks"]["copies"][i]["written"], m["leaks"]["copies"][i]["written_interval"]) for m in (tuned, base)), "",
                     f"real messages {share(copies['real'], copies['real_interval'])}"))
    rows.append(("verdict", *(m["leaks"]["verdict"] for m in (tuned, base)), "", ""))
    head = ("figure", "tuned", "base model", "tuned minus base", "compare with")
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * 5, *rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chat", type=Path, help="train.jsonl.gz of the ubuntu-irc corpus")
    parser.add_argument("--results", type=Path, help="print the table of these results, of evaluate --json, and measure nothing")
    parser.add_argument("--dir", type=Path, default=ROOT / "build/evaluation", help="folder to work in")
    parser.add_argument("--vqctl", type=Path, default=ROOT / "bin/vqctl")
    args = parser.parse_args()
    if args.results:
        print(table(json.loads(args.results.read_text())))
        return
    if not args.chat:
        parser.error("--chat or --results is needed")
    args.dir.mkdir(parents=True, exist_ok=True)
    folder = Folder(args.dir, args.vqctl)
    folder.collect(unseen_days(args.chat))
    folder.train()
    print(table(folder.evaluate("results", "--per-contact", "--who-said-it", "--next-message", "--style", "--leaks", "--style-messages", STYLE_MESSAGES)))


if __name__ == "__main__":
    main()

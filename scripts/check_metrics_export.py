#!/usr/bin/env python3
"""Reads the exported metrics of a training run with the readers of TensorBoard and of Weights & Biases.

Needs: pip install tensorboard==2.19.0 wandb==0.19.11 (later ones have no reader of offline runs in Python)
Usage: scripts/check_metrics_export.py [FILE...]     default: the files of internal/runlog/export/testdata
It writes nothing. The committed files have passed it: their steps and losses are checked.
"""

import json
import math
import pathlib
import sys

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "internal/runlog/export/testdata"


def read_tensorboard(path):
    """Returns {tag: [(step, value)]} of scalars, and the tags of texts."""
    from tensorboard.backend.event_processing import event_accumulator, event_file_loader

    loader = event_file_loader.EventFileLoader(str(path))
    scalars, texts = {}, set()
    events = list(loader.Load())
    assert events[0].file_version == "brain.Event:2", events[0]
    for event in events[1:]:
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "text":
                texts.add(value.tag)
                assert value.tensor.string_val[0], value.tag
            else:  # the loader turns simple values into tensors
                number = value.tensor.float_val[0] if value.HasField("tensor") else value.simple_value
                scalars.setdefault(value.tag, []).append((event.step, number))
    # The accumulator reads folders with files of the usual name.
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, pathlib.Path(folder) / "events.out.tfevents.1.vqctl")
        accumulator = event_accumulator.EventAccumulator(folder)
        accumulator.Reload()
        assert set(accumulator.Tags()["tensors"]) | set(accumulator.Tags()["scalars"]) == set(scalars) | texts
    return scalars, texts


def read_wandb(path):
    """Returns {key: [(step, value)]} of the history, the run's config, and the kinds of records."""
    import wandb
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal import datastore

    wandb._assert_is_internal_process = True
    store = datastore.DataStore()
    store.open_for_scan(str(path))
    history, config, kinds = {}, {}, []
    while True:
        data = store.scan_data()
        if data is None:
            break
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kinds.append(record.WhichOneof("record_type"))
        assert record.num == len(kinds)
        if kinds[-1] == "run":
            assert record.run.run_id and record.run.project == "vqctl" and record.run.start_time.seconds > 0
            config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
        for item in record.history.item:
            history.setdefault(item.key, []).append((record.history.step.num, json.loads(item.value_json)))
    return history, config, kinds


def check(path):
    if path.suffix == ".wandb":
        values, config, kinds = read_wandb(path)
        assert kinds[:2] == ["header", "run"], kinds
        assert "learning_rate" in config, config
    else:
        values, _ = read_tensorboard(path)
    if path.parent == GOLDENS:
        want = [(step, 3 - 0.5 * step) for step in range(1, 5)]
        assert values["train/loss"] == want, values["train/loss"]
        assert values["eval/loss"] == [(step, 2 - 0.25 * step) for step in (0, 2, 4)], values["eval/loss"]
        assert all(math.isclose(p, math.exp(2 - 0.25 * s), rel_tol=1e-6) for s, p in values["eval/perplexity"])
    print(f"{path}: {len(values)} series, steps {sorted({s for v in values.values() for s, _ in v})[:20]}")


for name in sys.argv[1:] or sorted(GOLDENS.glob("*")):
    check(pathlib.Path(name))

#!/usr/bin/env python3
"""Checks the files in deploy with the tools that they are for: SkyPilot's own reader, Kubeflow Trainer's resource definitions,
and Slurm, where it is installed and running.

    go mod download github.com/kubeflow/trainer/v2@v2.0.0     # in a module of its own; its manifests are Apache-2.0
    pip install skypilot==0.14.1 jsonschema==4.26.0 pyyaml
    scripts/check_deploy.py "$(go env GOMODCACHE)/github.com/kubeflow/trainer/v2@v2.0.0"
"""

import pathlib
import shutil
import subprocess
import sys

import jsonschema
import sky
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"


def as_json_schema(schema):
    """A Kubernetes schema as JSON Schema that allows no unknown fields, as `kubectl apply --validate=strict` does."""
    if isinstance(schema, list):
        return [as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: as_json_schema(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    return result


def definitions(trainer):
    """Kind and version of each resource definition of Kubeflow Trainer, with its schema."""
    found = {}
    for path in pathlib.Path(trainer, "manifests/base/crds").glob("trainer.*.yaml"):
        crd = yaml.safe_load(path.read_text())["spec"]
        for version in crd["versions"]:
            schema = as_json_schema(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            found[f"{crd['group']}/{version['name']}", crd["names"]["kind"]] = schema
    return found


def check_kubeflow(trainer):
    known = definitions(trainer)
    documents = list(yaml.safe_load_all((DEPLOY / "kubeflow.yaml").read_text()))
    for document in documents:
        jsonschema.Draft202012Validator(known[document["apiVersion"], document["kind"]]).validate(document)
    runtime, job = documents
    assert job["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"], "the job names another runtime"
    nodes = job["spec"]["trainer"]["numNodes"] * job["spec"]["trainer"]["numProcPerNode"]
    arguments = job["spec"]["trainer"]["args"]
    assert int(arguments[arguments.index("-n") + 1]) == nodes, "mpirun starts another number of processes than there are slots"
    print("kubeflow.yaml:", ", ".join(document["kind"] for document in documents), "are valid")


def check_skypilot():
    task = sky.Task.from_yaml(str(DEPLOY / "skypilot.yaml"))
    subprocess.run(["bash", "-n"], input=task.run, text=True, check=True)
    print("skypilot.yaml:", task.num_nodes, "nodes,", task.resources)


def check_slurm():
    subprocess.run(["bash", "-n", DEPLOY / "slurm.sbatch"], check=True)
    if not shutil.which("sbatch"):
        print("slurm.sbatch: bash reads it; its directives are not checked: there is no sbatch here")
        return
    small = ["--nodes=1", "--ntasks-per-node=1", "--cpus-per-task=1"]  # for any cluster; all directives are read
    test = subprocess.run(["sbatch", "--test-only", *small, DEPLOY / "slurm.sbatch"], capture_output=True, text=True)
    print("slurm.sbatch:", test.stderr.strip())
    test.check_returncode()


if __name__ == "__main__":
    check_kubeflow(sys.argv[1])
    check_skypilot()
    check_slurm()

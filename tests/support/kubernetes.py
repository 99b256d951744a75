"""The manifests for Kubernetes."""

import json
import pathlib
import subprocess

import yaml

HOME = pathlib.Path(__file__).resolve().parents[2] / "exporter/packaging/kubernetes"


def manifest(path):
    """The document of a YAML or Jsonnet file."""
    if path.endswith(".jsonnet"):
        return json.loads(subprocess.check_output(["jsonnet", HOME / path]))
    return yaml.safe_load((HOME / path).read_text())


MANIFESTS = {
    str(path.relative_to(HOME)): manifest(str(path.relative_to(HOME)))
    for path in sorted(HOME.rglob("*.*"))
}

"""The manifests for Kubernetes have no field that its API does not have. Kustomize
renders them."""

import copy
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from kubernetes import HOME, MANIFESTS

MAX_PORT_NAME = 15  # IANA_SVC_NAME, which the API server enforces.

# The fields of the API that the manifests use, with their types: [x] is a list of
# x, and {str: x} a map. https://kubernetes.io/docs/reference/kubernetes-api/
LABELS = {str: str}
META = {"name": str, "namespace": str, "labels": LABELS, "annotations": LABELS}
RESOURCES = {str: str}
PROBE = {"httpGet": {"path": str, "port": str}}
SECURITY = {
    "allowPrivilegeEscalation": bool,
    "readOnlyRootFilesystem": bool,
    "runAsNonRoot": bool,
    "runAsUser": int,
    "runAsGroup": int,
    "capabilities": {"drop": [str], "add": [str]},
    "seccompProfile": {"type": str},
    "appArmorProfile": {"type": str},
}
CONTAINER = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [{"name": str, "value": str}],
    "ports": [{"name": str, "containerPort": int}],
    "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}],
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "resources": {"requests": RESOURCES, "limits": RESOURCES},
    "securityContext": SECURITY,
}
POD = {
    "hostPID": bool,
    "tolerations": [{"operator": str}],
    "automountServiceAccountToken": bool,
    "securityContext": {"runAsNonRoot": bool, "seccompProfile": {"type": str}},
    "volumes": [{"name": str, "emptyDir": {"sizeLimit": str}}],
    "initContainers": [CONTAINER],
    "containers": [CONTAINER],
}
RULE = {
    "record": str,
    "alert": str,
    "expr": str,
    "for": str,
    "labels": LABELS,
    "annotations": LABELS,
}
SPECS = {
    "v1/Pod": POD,
    "v1/Namespace": {},
    "apps/v1/Deployment": {"template": {"metadata": META, "spec": POD}},
    "apps/v1/DaemonSet": {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": META, "spec": POD},
    },
    "monitoring.coreos.com/v1/PodMonitor": {
        "namespaceSelector": {"any": bool},
        "selector": {"matchExpressions": [{"key": str, "operator": str}]},
        "podMetricsEndpoints": [{"port": str, "interval": str}],
    },
    "monitoring.coreos.com/v1/PrometheusRule": {
        "groups": [{"name": str, "interval": str, "rules": [RULE]}]
    },
}
COMPONENT = {
    "apiVersion": str,
    "kind": str,
    "patches": [
        {"path": str, "target": {"kind": str, "annotationSelector": str}},
    ],
}


def fields(document):
    if document["kind"] == "Component":
        return COMPONENT
    if document["kind"] == "Kustomization":
        return {"apiVersion": str, "kind": str, "resources": [str]}
    spec = SPECS[f"{document['apiVersion']}/{document['kind']}"]
    return {"apiVersion": str, "kind": str, "metadata": META, "spec": spec}


def unknown(value, schema, path=""):
    """The paths of what the schema does not have, or has with another type."""
    if isinstance(schema, type):
        return [] if type(value) is schema else [path]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [path]
        found = [unknown(v, schema[0], f"{path}[{i}]") for i, v in enumerate(value)]
    elif not isinstance(value, dict):
        return [path]
    else:
        rest = schema.get(str)
        found = [
            unknown(v, schema.get(k, rest), f"{path}.{k}")
            if k in schema or rest
            else [f"{path}.{k}"]
            for k, v in value.items()
        ]
    return [each for paths in found for each in paths]


def with_misspelt_keys(value, schema):
    """Copies of the document, each with one key misspelt that has a schema."""
    if isinstance(value, list):
        for i, element in enumerate(value):
            for changed in with_misspelt_keys(element, schema[0]):
                yield [*value[:i], changed, *value[i + 1 :]]
    elif isinstance(value, dict) and str not in schema:
        for key, element in value.items():
            yield {(k + "x" if k == key else k): v for k, v in value.items()}
            if isinstance(element, (dict, list)):
                for changed in with_misspelt_keys(element, schema[key]):
                    yield {**value, key: changed}


class Manifests(unittest.TestCase):
    def test_have_no_unknown_field(self):
        self.assertEqual(len(MANIFESTS), 8)
        for path, document in MANIFESTS.items():
            self.assertEqual(unknown(document, fields(document)), [], path)

    def test_have_an_unknown_field_where_any_is_misspelt(self):
        for path, document in MANIFESTS.items():
            schema = fields(document)
            for changed in with_misspelt_keys(copy.deepcopy(document), schema):
                self.assertEqual(len(unknown(changed, schema)), 1, path)

    def test_have_port_names_that_the_api_server_accepts(self):
        for document in MANIFESTS.values():
            names = re.findall(r"'name': '([\w-]+)', 'containerPort'", str(document))
            for name in names:
                self.assertLessEqual(len(name), MAX_PORT_NAME)


def has_kustomize():
    if not shutil.which("kubectl"):
        return False
    version = subprocess.run(
        ["kubectl", "version", "--client"], capture_output=True, text=True
    ).stdout
    major = re.search(r"Kustomize Version: v(\d+)", version)
    return major is not None and int(major[1]) >= 4


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cache
  annotations: {%s}
spec:
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec:
      containers:
        - {name: log, image: log}
        - {name: app, image: redis, env: [{name: A, value: b}]}
"""


@unittest.skipUnless(has_kustomize(), "needs a kubectl with kustomize 4 or later")
class Component(unittest.TestCase):
    def render(self, annotations):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shutil.copytree(HOME / "agent", folder / "agent")
        (folder / "deployment.yaml").write_text(DEPLOYMENT % annotations)
        (folder / "kustomization.yaml").write_text(
            "resources: [deployment.yaml]\ncomponents: [agent]\n"
        )
        text = subprocess.check_output(["kubectl", "kustomize", folder], text=True)
        return yaml.safe_load(text)["spec"]["template"]

    def test_adds_the_containers_of_the_pod(self):
        template = self.render('jemalloc-exporter/inject: "true"')
        example = MANIFESTS["pod.yaml"]
        for labels in (template["metadata"]["labels"], example["metadata"]["labels"]):
            self.assertEqual(labels["jemalloc-exporter/scrape"], "true")
        pod = template["spec"]
        of = {c["name"]: c for c in pod["containers"] + pod["initContainers"]}
        program, exporter = example["spec"]["containers"]
        (installer,) = example["spec"]["initContainers"]
        for container in (exporter, installer):
            # What the pod has for all its containers.
            security = {
                **container["securityContext"],
                **example["spec"]["securityContext"],
            }
            self.assertEqual(
                of[container["name"]], {**container, "securityContext": security}
            )
        self.assertEqual(pod["volumes"], example["spec"]["volumes"])
        self.assertEqual(of["app"]["volumeMounts"], program["volumeMounts"])
        variables = {v["name"]: v["value"] for v in of["app"]["env"]}
        expected = {v["name"]: v["value"] for v in program["env"]}
        self.assertEqual(variables, {"A": "b", **expected})
        self.assertEqual(of["log"], {"name": "log", "image": "log"})

    def test_leaves_other_deployments_as_they_are(self):
        template = self.render('jemalloc-exporter/inject: "false"')
        names = [c["name"] for c in template["spec"]["containers"]]
        self.assertEqual(names, ["log", "app"])
        self.assertNotIn("initContainers", template["spec"])


@unittest.skipUnless(has_kustomize(), "needs a kubectl with kustomize 4 or later")
class Kustomization(unittest.TestCase):
    def test_renders_the_daemonset_and_its_namespace(self):
        text = subprocess.check_output(
            ["kubectl", "kustomize", HOME / "daemonset"], text=True
        )
        expected = [
            MANIFESTS["daemonset/namespace.yaml"],
            MANIFESTS["daemonset/daemonset.yaml"],
        ]
        self.assertEqual(list(yaml.safe_load_all(text)), expected)


if __name__ == "__main__":
    unittest.main()

"""The manifests for Kubernetes have no field that its API does not have, and agree
with what the image has and with what the exporter does."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from programs import EXPORTER, Exporter, get, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "exporter/packaging/kubernetes"
BUILD = pathlib.Path(EXPORTER).parents[1]
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


def manifest(path):
    """The document of a YAML or Jsonnet file."""
    if path.endswith(".jsonnet"):
        return json.loads(subprocess.check_output(["jsonnet", HOME / path]))
    return yaml.safe_load((HOME / path).read_text())


MANIFESTS = {
    str(path.relative_to(HOME)): manifest(str(path.relative_to(HOME)))
    for path in sorted(HOME.rglob("*.*"))
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


class Pod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pod = MANIFESTS["pod.yaml"]
        cls.pod = pod["spec"]
        cls.annotations = pod["metadata"]["annotations"]
        cls.labels = pod["metadata"]["labels"]
        cls.program, cls.exporter = cls.pod["containers"]
        (cls.installer,) = cls.pod["initContainers"]
        cls.environment = {v["name"]: v["value"] for v in cls.program["env"]}
        cls.image = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.image)
        install = ["cmake", "--install", BUILD, "--component", "runtime"]
        subprocess.run(
            [*install, "--prefix", "/usr/local"],
            env={**os.environ, "DESTDIR": str(cls.image)},
            check=True,
            capture_output=True,
        )

    def test_is_of_this_version(self):
        version = re.search(r"version (\S+)", run("--version")[1]).group(1)
        for container in (self.installer, self.exporter):
            self.assertEqual(container["image"], f"jemalloc_exporter:{version}")

    def test_shares_nothing_but_the_network(self):
        self.assertFalse(self.pod.keys() & {"hostPID", "hostIPC", "hostNetwork"})
        self.assertNotIn("shareProcessNamespace", self.pod)
        self.assertNotIn("volumeMounts", self.exporter)

    def test_grants_nothing_to_any_container(self):
        for container in (self.installer, self.program, self.exporter):
            context = container["securityContext"]
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertIs(context["readOnlyRootFilesystem"], True)
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertGreater(context["runAsUser"], 0)

    def test_preloads_the_agent_of_the_image(self):
        _, source, target = self.installer["command"]
        self.assertTrue((self.image / source.lstrip("/")).is_file(), source)
        self.assertEqual(
            self.environment["LD_PRELOAD"], target + os.path.basename(source)
        )
        (written,) = self.installer["volumeMounts"]
        (read,) = self.program["volumeMounts"]
        self.assertEqual(read, {**written, "readOnly": True})
        self.assertEqual(written["mountPath"] + "/", target)
        self.assertIn(written["name"], [v["name"] for v in self.pod["volumes"]])

    def test_allows_the_user_of_the_exporter_and_of_the_image(self):
        user = self.exporter["securityContext"]["runAsUser"]
        self.assertEqual(self.environment["JEMALLOC_EXPORTER_ALLOW_UID"], str(user))
        image = (ROOT / "Dockerfile").read_text()
        self.assertIn(f"\nUSER {user}:{user}\n", image)

    def test_is_scraped_and_probed_where_the_exporter_answers(self):
        (port,) = self.exporter["ports"]
        (listening,) = re.findall(
            r"--web\.listen-address.*\[.*:(\d+)", run("--help")[1]
        )
        self.assertEqual(port["containerPort"], int(listening))
        self.assertEqual(self.annotations["prometheus.io/port"], listening)
        probes = [
            self.exporter[f"{kind}Probe"]["httpGet"]
            for kind in ("liveness", "readiness")
        ]
        self.assertEqual({probe["port"] for probe in probes}, {port["name"]})
        paths = [probe["path"] for probe in probes]
        with Exporter() as exporter:
            for path in (*paths, self.annotations["prometheus.io/path"]):
                self.assertEqual(get(exporter.url + path).status, 200, path)

    def test_is_selected_by_the_monitor(self):
        monitor = MANIFESTS["monitoring/podmonitor.yaml"]["spec"]
        [expression] = monitor["selector"]["matchExpressions"]
        self.assertIn(expression["key"], self.labels)
        [endpoint] = monitor["podMetricsEndpoints"]
        self.assertEqual(endpoint["port"], self.exporter["ports"][0]["name"])


class DaemonSet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        document = MANIFESTS["daemonset/daemonset.yaml"]
        cls.spec = document["spec"]
        cls.namespace = document["metadata"]["namespace"]
        cls.template = cls.spec["template"]
        cls.pod = cls.template["spec"]
        (cls.exporter,) = cls.pod["containers"]

    def test_has_exactly_the_rights_of_the_connector(self):
        source = (ROOT / "exporter/connector/capabilities.cc").read_text()
        names = re.findall(r'"CAP_(\w+)"', source)
        self.assertEqual(
            self.exporter["securityContext"],
            {
                "runAsUser": 0,
                "runAsGroup": 65534,
                "runAsNonRoot": False,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "appArmorProfile": {"type": "Unconfined"},
                "seccompProfile": {"type": "RuntimeDefault"},
                "capabilities": {"drop": ["ALL"], "add": names},
            },
        )
        self.assertEqual(names, ["SYS_ADMIN", "SYS_PTRACE", "SETUID"])

    def test_shares_the_pid_namespace_of_the_node_alone(self):
        shared = {key for key in self.pod if key.startswith("host")}
        self.assertEqual(shared, {"hostPID"})
        self.assertIs(self.pod["automountServiceAccountToken"], False)
        self.assertNotIn("volumes", self.pod)

    def test_is_allowed_in_its_namespace(self):
        namespace = MANIFESTS["daemonset/namespace.yaml"]["metadata"]
        self.assertEqual(namespace["name"], self.namespace)
        level = namespace["labels"]["pod-security.kubernetes.io/enforce"]
        self.assertEqual(level, "privileged")

    def test_selects_its_pods(self):
        labels = self.template["metadata"]["labels"]
        self.assertLessEqual(self.spec["selector"]["matchLabels"].items(), labels.items())
        self.assertEqual(labels["jemalloc-exporter/scrape"], "true")

    def test_has_ports_probes_and_image_of_the_pod(self):
        other = MANIFESTS["pod.yaml"]["spec"]["containers"][1]
        for key in ("image", "ports", "livenessProbe", "readinessProbe"):
            self.assertEqual(self.exporter[key], other[key])
        self.assertEqual(
            self.template["metadata"]["annotations"],
            MANIFESTS["pod.yaml"]["metadata"]["annotations"],
        )

    def test_starts_with_its_arguments(self):
        command, *options = self.exporter["args"]
        self.assertEqual(command, "serve")
        with Exporter(*options) as exporter:
            self.assertEqual(get(exporter.url + "/-/ready").status, 200)

    @unittest.skipUnless(
        os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv"
    )
    def test_starts_with_its_user_and_capabilities(self):
        context = self.exporter["securityContext"]
        added = ",".join(f"+{c.lower()}" for c in context["capabilities"]["add"])
        prefix = [
            "setpriv", f"--regid={context['runAsGroup']}", "--clear-groups",
            f"--bounding-set=-all,{added}", "--no-new-privs",
        ]
        with Exporter(*self.exporter["args"][1:], program=[*prefix, EXPORTER]) as exporter:
            self.assertEqual(get(exporter.url + "/metrics").status, 200)
            status = pathlib.Path(f"/proc/{exporter.process.pid}/status").read_text()
            exporter.stop()
        self.assertNotIn("level=warn", exporter.log)
        for name in ("Uid", "Gid"):
            self.assertRegex(status, rf"(?m)^{name}:(\t65534){{4}}$")


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

"""The manifests for Kubernetes agree with what the image has, and with what the
exporter does."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from kubernetes import MANIFESTS
from programs import EXPORTER, Exporter, get, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(EXPORTER).parents[1]


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


if __name__ == "__main__":
    unittest.main()

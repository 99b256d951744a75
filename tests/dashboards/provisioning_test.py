"""The files with which Prometheus and Grafana come up configured."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def load(name):
    return yaml.safe_load((HOME / name).read_text())


COMPOSE = load("compose.yml")["services"]
PROMETHEUS = load("provisioning/prometheus/prometheus.yml")
DATASOURCE = load("provisioning/grafana/datasources/prometheus.yml")["datasources"][0]


def mounts(service):
    """Where each file of ours stands in a container."""
    volumes = [v.split(":") for v in COMPOSE[service]["volumes"]]
    return {pathlib.PurePosixPath(inside): HOME / ours for ours, inside, _ in volumes}


class Compose(unittest.TestCase):
    def test_mounts_what_exists(self):
        for service in ("prometheus", "grafana"):
            for ours in mounts(service).values():
                self.assertTrue(ours.exists(), ours)

    def test_is_reached_from_this_machine_only(self):
        for name, service in COMPOSE.items():
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), (name, port))

    def test_runs_a_program_within_the_image_of_ours(self):
        self.assertEqual((HOME / COMPOSE["exporter"]["build"]).resolve(), ROOT)
        build = COMPOSE["redis"]["build"]
        [image] = build["additional_contexts"]
        self.assertEqual(build["additional_contexts"][image], "service:exporter")
        self.assertIn(f"FROM {image}\n", build["dockerfile_inline"])
        command = COMPOSE["redis"]["command"]
        self.assertEqual(command[:3], ["exec", "--", "redis-server"])
        self.assertIn('ENTRYPOINT ["jemalloc_exporter"]', DOCKERFILE)
        # The user of the image: the agent serves no other.
        [user] = re.findall(r"^USER \S+$", DOCKERFILE, re.M)
        self.assertTrue(build["dockerfile_inline"].endswith(f"\n{user}\n"))

    def test_images_are_pinned(self):
        for name in ("prometheus", "grafana"):
            self.assertRegex(COMPOSE[name]["image"], r":v?\d+\.\d+\.\d+$")


class Prometheus(unittest.TestCase):
    def test_starts_with_its_configuration(self):
        with tempfile.TemporaryDirectory() as root:
            for inside, ours in mounts("prometheus").items():
                placed = pathlib.Path(root, inside.relative_to("/"))
                placed.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ours, placed)
            done = subprocess.run(
                [
                    "promtool",
                    "check",
                    "config",
                    f"{root}/etc/prometheus/prometheus.yml",
                ],
                capture_output=True,
                text=True,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 rule files found", done.stdout)

    def test_scrapes_services_that_run(self):
        for scrape in PROMETHEUS["scrape_configs"]:
            for target in scrape["static_configs"][0]["targets"]:
                service, port = target.split(":")
                self.assertIn(f"127.0.0.1:{port}:{port}", COMPOSE[service]["ports"])
                self.assertIn(f"EXPOSE {port}\n", DOCKERFILE)


class Grafana(unittest.TestCase):
    def test_queries_the_prometheus_that_runs(self):
        self.assertEqual(DATASOURCE["url"], "http://prometheus:9090")
        self.assertIn("prometheus", COMPOSE)
        self.assertEqual(DATASOURCE["type"], "prometheus")

    def test_knows_how_often_prometheus_scrapes(self):
        interval = PROMETHEUS["global"]["scrape_interval"]
        self.assertEqual(DATASOURCE["jsonData"]["timeInterval"], interval)

    def test_finds_its_provisioning_and_the_dashboard(self):
        placed = mounts("grafana")
        provisioning = placed[pathlib.PurePosixPath("/etc/grafana/provisioning")]
        provider = yaml.safe_load(
            (provisioning / "dashboards" / "jemalloc.yml").read_text()
        )
        folder = pathlib.PurePosixPath(provider["providers"][0]["options"]["path"])
        self.assertEqual(placed[folder / "jemalloc.json"], HOME / "jemalloc.json")
        home = COMPOSE["grafana"]["environment"][
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
        ]
        self.assertEqual(home, str(folder / "jemalloc.json"))
        self.assertTrue((provisioning / "datasources" / "prometheus.yml").exists())


if __name__ == "__main__":
    unittest.main()

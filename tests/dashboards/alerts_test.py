"""The alerts: complete, consistent with the runbooks, and valid in Prometheus."""

import json
import pathlib
import re
import subprocess
import unittest

import dashboard_rules as rules
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
RULES = HOME / "jemalloc.rules.yml"
RULES_TESTS = [
    ROOT / "tests/dashboards" / name
    for name in ("rules_test.yml", "statistics_rules_test.yml")
]
DASHBOARD = json.loads((HOME / "jemalloc.json").read_text())
GROUPS = {g["name"]: g["rules"] for g in yaml.safe_load(RULES.read_text())["groups"]}
ALERTS = {r["alert"]: r for rs in GROUPS.values() for r in rs if "alert" in r}
RUNBOOKS = DASHBOARD["links"][0]["url"]


# Settings of versions after 5.3.0, which the test runs with.
LATER_OPTIONS = {"cache_oblivious:false"}


class Alerts(unittest.TestCase):
    def test_have_a_summary_a_description_and_a_runbook(self):
        for name, alert in ALERTS.items():
            with self.subTest(name):
                self.assertRegex(name, r"^Jemalloc([A-Z][a-z]+)+$")
                # At least five minutes: a short interruption is no alert.
                self.assertRegex(alert["for"], r"^([5-9]|\d\d+)m$|^\d+h$")
                self.assertIn(
                    alert["labels"]["severity"], {"critical", "warning", "info"}
                )
                annotations = alert["annotations"]
                self.assertEqual(
                    set(annotations), {"summary", "description", "runbook_url"}
                )
                self.assertRegex(annotations["summary"], r"^[^{}]+\.$")
                self.assertIn("{{ $labels.", annotations["description"])
                self.assertEqual(
                    annotations["runbook_url"], f"{RUNBOOKS}#{name.lower()}"
                )

    def test_each_has_its_runbook(self):
        parts = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
        sections = re.split(r"^## ", (HOME / "runbooks.md").read_text(), flags=re.M)[1:]
        self.assertEqual({s.split("\n")[0] for s in sections}, set(ALERTS))
        self.assertEqual(len(sections), len(ALERTS))
        for section in sections:
            self.assertEqual(
                re.findall(r"^### (.*)", section, re.M), parts, section[:40]
            )
            self.assertIn("show", section.split("### Diagnosis")[1])

    def test_each_has_a_firing_and_a_silent_case(self):
        seen = {
            (c["alertname"], bool(c.get("exp_alerts")))
            for file in RULES_TESTS
            for t in yaml.safe_load(file.read_text())["tests"]
            for c in t.get("alert_rule_test", [])
        }
        self.assertEqual(
            seen, {(name, fires) for name in ALERTS for fires in (True, False)}
        )

    def test_thresholds_stand_at_the_top_and_nowhere_else(self):
        self.assertEqual(next(iter(GROUPS)), "jemalloc.thresholds")
        for name, alert in ALERTS.items():
            expr = re.sub(r"\[\w+:\w+\]|offset \w+", "", alert["expr"])
            numbers = re.findall(r"(?<![\w\[])\d[\d.]*", expr)
            self.assertLessEqual(set(numbers), {"0"}, name)

    def test_groups_are_evaluated_once_a_minute(self):
        for group in yaml.safe_load(RULES.read_text())["groups"]:
            self.assertEqual(group["interval"], "1m", group["name"])

    def test_records_are_aggregates_or_at_most_four_of_a_process(self):
        records = [r["record"] for rs in GROUPS.values() for r in rs if "record" in r]
        levels = [record.split(":")[0] for record in records]
        self.assertLessEqual(
            set(levels), {"threshold", "job_instance_comm", "instance", "process"}
        )
        self.assertLessEqual(levels.count("process"), 4)

    def test_shares_demand_a_size_as_well(self):
        for name, alert in ALERTS.items():
            if ":ratio" in alert["expr"] or "arena_load" in alert["expr"]:
                self.assertIn(
                    "scalar(threshold:jemalloc_waste:bytes)", alert["expr"], name
                )

    def test_runbooks_name_panels_that_exist(self):
        titles = {p["title"] for p in rules.panels(DASHBOARD)}
        named = re.findall(
            r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", (HOME / "runbooks.md").read_text()
        )
        pages_of_prometheus = {n for n in named if n.startswith("Status → ")}
        self.assertLessEqual(set(named) - pages_of_prometheus, titles)


class Advice(unittest.TestCase):
    """The settings of MALLOC_CONF in the runbooks."""

    def setUp(self):
        text = (HOME / "runbooks.md").read_text()
        setting = r"`(?:MALLOC_CONF=)?((?:[a-z_]+:[\w/]+,?)+)`"
        self.options = re.findall(setting, text)
        steps = re.findall(r"^\d\. .*", text, re.M)
        self.steps = [step for step in steps if re.search(setting, step)]

    def jemalloc_output(self, options):
        return subprocess.run(
            ["/bin/true"],
            env={"LD_PRELOAD": "libjemalloc.so.2", "MALLOC_CONF": options},
            capture_output=True,
            check=True,
            text=True,
        ).stderr

    def test_is_understood_by_jemalloc(self):
        self.assertIn("Invalid conf", self.jemalloc_output("dirty_decay_s:1"))
        self.assertIn("config.prof: true", self.jemalloc_output("stats_print:true"))
        self.assertIn("dirty_decay_ms:1000", self.options)
        for options in set(self.options) - LATER_OPTIONS:
            output = self.jemalloc_output(options.replace(":N", ":4"))
            self.assertNotIn("Invalid conf", output)

    def test_has_its_price(self):
        self.assertGreaterEqual(len(self.steps), 8)
        for step in self.steps:
            self.assertRegex(step, "[Cc]osts")


class Promtool(unittest.TestCase):
    def check(self, *arguments):
        done = subprocess.run(
            ["promtool", *map(str, arguments)], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_are_sound(self):
        self.check("check", "rules", "--lint=all", "--lint-fatal", RULES)

    def test_alerts_fire_and_stay_silent(self):
        self.check("test", "rules", *RULES_TESTS)


if __name__ == "__main__":
    unittest.main()

"""The alerts: complete, consistent with the runbooks, and valid in Prometheus."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import dashboard_rules as rules
import promql
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
INTERVALS = {
    g["name"]: g["interval"] for g in yaml.safe_load(RULES.read_text())["groups"]
}
# Prometheus's default, in minutes: an older sample is no result.
LOOK_BACK = 5
ALERTS = {r["alert"]: r for rs in GROUPS.values() for r in rs if "alert" in r}
RUNBOOKS = DASHBOARD["links"][0]["url"]


# Settings of versions after 5.3.0, which the test runs with.
LATER_OPTIONS = {"cache_oblivious:false"}


def minutes(duration):
    return int(duration[:-1]) * {"m": 1, "h": 60, "d": 24 * 60}[duration[-1]]


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

    def test_groups_are_evaluated_once_a_minute_or_less_often(self):
        self.assertEqual(
            INTERVALS,
            {
                "jemalloc.thresholds": "1m",
                "jemalloc.rules": "1m",
                "jemalloc.peaks": "30m",
                "jemalloc.alerts": "1m",
                "jemalloc.process_alerts": "3m",
            },
        )

    def test_rare_records_are_read_over_two_evaluations(self):
        rare = {
            rule["record"]: group
            for group, of_group in GROUPS.items()
            for rule in of_group
            if "record" in rule and minutes(INTERVALS[group]) >= LOOK_BACK
        }
        self.assertTrue(rare)
        queries = [str(rule["expr"]) for rs in GROUPS.values() for rule in rs]
        queries += [expr for _, expr in rules.targets(DASHBOARD)]
        for query in queries:
            for selector in promql.selectors(query):
                if selector.name in rare:
                    interval = minutes(INTERVALS[rare[selector.name]])
                    self.assertTrue(selector.range, query)
                    self.assertGreaterEqual(minutes(selector.range), 2 * interval)

    def test_alerts_wait_for_several_evaluations(self):
        for group, of_group in GROUPS.items():
            for rule in of_group:
                if "alert" in rule:
                    self.assertGreaterEqual(
                        minutes(rule["for"]), 5 * minutes(INTERVALS[group])
                    )

    def test_records_are_aggregates_or_of_a_process(self):
        records = [r["record"] for rs in GROUPS.values() for r in rs if "record" in r]
        self.assertLessEqual(
            {record.split(":")[0] for record in records},
            {"threshold", "job_instance_comm", "instance", "process"},
        )

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

    def test_growth_is_known_between_two_peaks_and_after_a_missed_one(self):
        """promtool evaluates all groups equally often, so the peaks are given here."""
        labels = '{job="j", instance="a:1", comm="leak", pid="1"}'
        peak = labels.replace("}", ', window="6h"}')
        fires = 'count(ALERTS{alertname="JemallocHeapGrowing", alertstate="firing"})'
        groups = [
            {"name": name, "rules": of_group}
            for name, of_group in GROUPS.items()
            if name != "jemalloc.peaks"
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rules.yml"
            file.write_text(yaml.safe_dump({"groups": groups}))
            test = {
                "rule_files": [str(file)],
                "evaluation_interval": "5m",
                "group_eval_order": [group["name"] for group in groups],
                "tests": [
                    {
                        "interval": "5m",
                        "input_series": [
                            {
                                "series": f"jemalloc_allocated_bytes{labels}",
                                "values": "1073741824+8388608x60",
                            },
                            # Every half an hour, until 2 h.
                            {
                                "series": f"process:jemalloc_allocated_bytes:peak{peak}",
                                "values": "536870912 _x5 " * 4 + "536870912",
                            },
                        ],
                        "promql_expr_test": [
                            {
                                "expr": fires,
                                "eval_time": time,
                                "exp_samples": [{"labels": "{}", "value": 1}] * is_firing,
                            }
                            for time, is_firing in {
                                "25m": 0,
                                "2h": 1,
                                "2h25m": 1,
                                "2h55m": 1,
                                "3h5m": 0,
                            }.items()
                        ],
                    }
                ],
            }
            (file.parent / "test.yml").write_text(yaml.safe_dump(test))
            self.check("test", "rules", file.parent / "test.yml")


if __name__ == "__main__":
    unittest.main()

"""The mixin: the same dashboard, rules and alerts as in the files."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
MIXIN = HOME / "mixin.libsonnet"
FIELDS = ("grafanaDashboards", "prometheusRules", "prometheusAlerts")


def evaluate(mixin):
    """The three fields of a mixin, which are hidden ones."""
    fields = ", ".join(f"{name}: mixin.{name}" for name in FIELDS)
    done = subprocess.run(
        ["jsonnet", "--exec", f"local mixin = {mixin}; {{ {fields} }}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


class Mixin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mixin = evaluate(f"import '{MIXIN}'")

    def test_has_the_dashboard(self):
        dashboard = json.loads((HOME / "jemalloc.json").read_text())
        self.assertEqual(self.mixin["grafanaDashboards"], {"jemalloc.json": dashboard})

    def test_has_all_rules(self):
        groups = yaml.safe_load((HOME / "jemalloc.rules.yml").read_text())["groups"]
        rules, alerts = (self.mixin[name]["groups"] for name in FIELDS[1:])
        # Jsonnet folds the lines of an expression into one.
        for rule in (r for g in [*groups, *rules, *alerts] for r in g["rules"]):
            rule["expr"] = " ".join(rule["expr"].split())
        self.assertEqual([*rules, *alerts], groups)
        self.assertEqual({"record"}, {key(rule) for g in rules for rule in g["rules"]})
        self.assertEqual({"alert"}, {key(rule) for g in alerts for rule in g["rules"]})

    def test_rules_are_sound(self):
        for name in FIELDS[1:]:
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                json.dump(self.mixin[name], file)
                file.flush()
                command = ["promtool", "check", "rules", "--lint=all", "--lint-fatal"]
                done = subprocess.run(
                    [*command, file.name], capture_output=True, text=True
                )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_is_added_to_other_mixins(self):
        other = """{
          grafanaDashboards+:: { 'node.json': {} },
          prometheusRules+:: { groups+: [{ name: 'node' }] },
          prometheusAlerts+:: { groups+: [{ name: 'node' }] },
        }"""
        both = evaluate(f"{other} + (import '{MIXIN}')")
        self.assertEqual(set(both["grafanaDashboards"]), {"jemalloc.json", "node.json"})
        for name in FIELDS[1:]:
            names = [group["name"] for group in both[name]["groups"]]
            self.assertEqual(names[0], "node")
            self.assertEqual(len(names), 1 + len(self.mixin[name]["groups"]))

    def test_source_is_formatted(self):
        subprocess.run(["jsonnetfmt", "--test", MIXIN], check=True)


def key(rule):
    return "alert" if "alert" in rule else "record"


if __name__ == "__main__":
    unittest.main()

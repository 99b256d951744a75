"""Heaps that were measured in real programs: the alerts that fire, and the layers
that the dashboard draws, are the diagnosis of each."""

import pathlib
import subprocess
import tempfile
import unittest

import measured_heaps
import yaml
from measured_heaps import HEAPS, MIB, SCALE

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
LAYERS = "sum by (comm, layer) (job_instance_comm:jemalloc_memory_bytes:sum)"


def layer_sizes(heap):
    """The layers in MiB, from the measured numbers."""
    return {
        "small": heap.allocated * 0.8,
        "large": heap.allocated * 0.2,
        "holes": heap.active - heap.allocated - heap.padding,
        "padding": heap.padding,
        "dirty": heap.dirty,
        "metadata": heap.resident - heap.active - heap.dirty,
        "outside": heap.rss - heap.resident,
    }


def expected_samples():
    """In tenths of a MiB."""
    for comm, heap in HEAPS.items():
        for layer, mib in layer_sizes(heap).items():
            yield {
                "labels": f'{{comm="{comm}", layer="{layer}"}}',
                "value": round(10 * mib),
            }


def check(expr, samples):
    """Two hours of the heaps, and a query at the end, with promtool."""
    series = [
        {"series": name, "values": f"{value}x24"}
        for comm, heap in HEAPS.items()
        for name, value in measured_heaps.samples(comm, heap)
    ]
    test = {
        "rule_files": [str(HOME / "jemalloc.rules.yml")],
        "evaluation_interval": "5m",
        "group_eval_order": [
            "jemalloc.thresholds",
            "jemalloc.rules",
            "jemalloc.peaks",
            "jemalloc.alerts",
            "jemalloc.process_alerts",
        ],
        "tests": [
            {
                "interval": "5m",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": expr, "eval_time": "2h", "exp_samples": samples}
                ],
            }
        ],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump(test, file)
        file.flush()
        done = subprocess.run(
            ["promtool", "test", "rules", file.name], capture_output=True, text=True
        )
    return done.stdout + done.stderr if done.returncode else ""


class Diagnosis(unittest.TestCase):
    def test_measured_layers_explain_each_heap(self):
        for comm, heap in HEAPS.items():
            sizes = layer_sizes(heap)
            sizes["live"] = sizes.pop("small") + sizes.pop("large")
            largest = sorted(sizes, key=sizes.get, reverse=True)
            shown = tuple(la for la in largest if sizes[la] >= heap.rss / 10)
            self.assertEqual(shown, heap.layers, comm)

    def test_alerts_name_the_cause(self):
        fired = [
            {"labels": f'{{alertname="{alert}", comm="{comm}"}}', "value": 1}
            for comm, heap in HEAPS.items()
            for alert in sorted(heap.alerts)
        ]
        query = 'count by (alertname, comm) (ALERTS{alertstate="firing"})'
        self.assertEqual(check(query, fired), "")

    def test_layers_of_the_rules_are_the_measured_ones(self):
        tenths = f"round({LAYERS} / {SCALE * MIB / 10})"
        self.assertEqual(check(tenths, list(expected_samples())), "")

    def test_layers_add_up_to_the_rss(self):
        total = "sum by (comm) (job_instance_comm:jemalloc_memory_bytes:sum)"
        samples = [
            {"labels": f'{{comm="{comm}"}}', "value": round(10 * heap.rss)}
            for comm, heap in HEAPS.items()
        ]
        tenths = f"round({total} / {SCALE * MIB / 10})"
        self.assertEqual(check(tenths, samples), "")


if __name__ == "__main__":
    unittest.main()

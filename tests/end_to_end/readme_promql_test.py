"""The queries of the README give the values that they promise, in promtool."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
QUERIES = re.findall(r"(?ms)^```promql\n(.*?)^```", README.read_text())

OF_1 = 'job="jemalloc",instance="a",comm="redis-server",pid="1"'
OF_2 = 'job="jemalloc",instance="a",comm="redis-server",pid="2"'
ID = "c" * 64

SERIES = {
    f"jemalloc_allocated_bytes{{{OF_1}}}": 100,
    f"jemalloc_allocated_bytes{{{OF_2}}}": 20,
    f'jemalloc_process_info{{{OF_1},unit="redis.service"}}': 1,
    f'jemalloc_process_info{{{OF_2},container_id="{ID}",pod_uid="u"}}': 1,
}

# Two replicas of kube-state-metrics, as in a cluster that is updated.
POD = 'namespace="shop",pod="cache-0",container="redis",uid="u"'
SERIES |= {
    f'kube_pod_container_info{{instance="{replica}",{POD},'
    f'container_id="containerd://{ID}"}}': 1
    for replica in "kl"
}


def evaluate(query, samples):
    """The output of promtool for a query that has exactly these samples."""
    test = {
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": str(value)}
                    for series, value in SERIES.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": query,
                        "eval_time": "0m",
                        "exp_samples": [
                            {"labels": labels, "value": value}
                            for labels, value in samples.items()
                        ],
                    }
                ],
            }
        ]
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump(test, file)
        file.flush()
        done = subprocess.run(
            ["promtool", "test", "rules", file.name], capture_output=True, text=True
        )
    return done.returncode, done.stdout + done.stderr


class ReadmeQueries(unittest.TestCase):
    def setUp(self):
        self.with_unit, self.of_containers = QUERIES

    def assert_samples(self, query, samples):
        status, output = evaluate(query, samples)
        self.assertEqual(status, 0, output)

    def test_adds_the_unit_to_a_series(self):
        self.assert_samples(
            self.with_unit, {f'{{{OF_1},unit="redis.service"}}': 100}
        )

    def test_joins_containers_with_kube_state_metrics(self):
        self.assert_samples(
            self.of_containers,
            {'{namespace="shop",pod="cache-0",container="redis"}': 20},
        )

    def test_fails_with_another_value(self):
        status, output = evaluate(
            self.with_unit, {f'{{{OF_1},unit="redis.service"}}': 101}
        )
        self.assertEqual(status, 1)
        self.assertIn("got:", output)


if __name__ == "__main__":
    unittest.main()

"""CPU time of the dashboard and of the rules on a Prometheus with many processes,
as multiples of one plain sum over the same range.

    query_cost.py [--processes N] [--range S] [--interval S]
                  [--dashboard FILE] [--rules FILE]

Prometheus is backfilled: see fleet_history.py. The result is a table of the panels
and of the rules, and lines for the whole. Rules are counted by the minute: one that is
evaluated every 3 minutes costs a third of its evaluation."""

import argparse
import json
import pathlib
import sys
import tempfile
import time
import urllib.error

import dashboard_rules
import promql
import variables
import yaml
from fleet_history import back_fill, HOUR, listed

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
sys.path.insert(0, str(HOME / "preview"))
from prometheus_server import PrometheusServer  # noqa: E402


class Cost:
    """Measures CPU seconds of Prometheus for queries and for rules."""

    def __init__(self, prometheus, end, span, step):
        self.prometheus = prometheus
        self.end = end
        self.span = span
        self.step = step
        self.variables = {
            **promql.EVERYTHING,
            "__range": f"{span}s",
            "__rate_interval": f"{4 * step}s",
        }

    def cpu(self):
        """The process's CPU clock (clock_getcpuclockid(3)), in seconds."""
        return time.clock_gettime(~self.prometheus.process.pid << 3 | 2)

    def query(self, target, rounds):
        """The least of some rounds: a collection of garbage, or other load of the
        machine, can cost more than a query."""
        return min(self.query_once(target) for _ in range(rounds))

    def query_once(self, target):
        start = self.cpu()
        expr = promql.expand(target["expr"], self.variables)
        try:
            if target.get("instant"):
                self.prometheus.instant(expr, self.end)
            else:
                self.prometheus.range(expr, self.end - self.span, self.end, self.step)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.read().decode()}: {expr}") from error
        return self.cpu() - start

    def plain(self):
        """The unit."""
        return self.query({"expr": "sum(jemalloc_allocated_bytes)"}, 15)

    def dashboard(self, dashboard):
        """The cost of each panel, each annotation and each hidden variable."""
        costs = {
            name: self.query({"expr": expr, "instant": True}, 3)
            for name, expr, _ in variables.hidden(dashboard)
        }
        self.variables = variables.with_hidden(
            dashboard, self.variables, lambda expr: self.prometheus.instant(expr, self.end)
        )
        for panel in dashboard_rules.panels(dashboard):
            costs[panel["title"]] = sum(self.query(t, 3) for t in panel["targets"])
        for annotation in dashboard["annotations"]["list"]:
            costs[annotation["name"]] = self.query(annotation, 3)
        return costs

    def rules(self, rules):
        """The cost of each rule in a minute by its name: of a query at the end of the
        history, as often as the rule is evaluated."""
        costs = {}
        for rule, seconds in listed(rules):
            name = rule.get("record") or rule["alert"]
            target = {"expr": str(rule["expr"]), "instant": True}
            costs[name] = costs.get(name, 0) + self.query(target, 5) * 60 / seconds
        return costs


def measure(processes, span, interval, dashboard, rules):
    """CPU seconds: of the plain sum, of each panel by its title, of each rule by its
    name."""
    end = int(time.time()) // interval * interval
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        data = back_fill(folder, processes, end, span + HOUR, interval, rules)
        options = ["--query.lookback-delta=5m", "--query.timeout=10m"]
        with PrometheusServer({}, data, options) as prometheus:
            cost = Cost(prometheus, end, span, interval)
            return cost.plain(), cost.dashboard(dashboard), cost.rules(rules)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=2000)
    parser.add_argument("--range", type=int, default=6 * HOUR)
    parser.add_argument("--interval", type=int, default=120)
    parser.add_argument("--dashboard", default=HOME / "jemalloc.json")
    parser.add_argument("--rules", default=HOME / "jemalloc.rules.yml")
    args = parser.parse_args()
    plain, *costs = measure(
        args.processes,
        args.range,
        args.interval,
        json.loads(pathlib.Path(args.dashboard).read_text()),
        yaml.safe_load(pathlib.Path(args.rules).read_text()),
    )
    for whole, parts in zip(("dashboard", "rules"), costs):
        rows = sorted(parts.items(), key=lambda row: row[1])
        for name, seconds in [*rows, (f"{whole} together", sum(parts.values()))]:
            print(f"{seconds:8.3f} s {seconds / plain:7.1f}  {name}")
    print(f"{plain:8.3f} s {1:7.1f}  plain sum")


if __name__ == "__main__":
    main()

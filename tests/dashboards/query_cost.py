"""CPU time of the dashboard and of the rules on a Prometheus with many processes,
as multiples of one plain sum over the same range.

    query_cost.py [--processes N] [--range S] [--interval S]
                  [--dashboard FILE] [--rules FILE]

Prometheus is backfilled with exporters of 100 processes each, which run ten
programs. The result is a table of the panels, and two lines for the whole."""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.error

import dashboard_rules
import promql
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
sys.path.insert(0, str(HOME / "preview"))
from prometheus_server import PrometheusServer  # noqa: E402

MIB = 1 << 20
HOUR = 3600
PER_EXPORTER = 100
PROGRAMS = 10
# The kinds of values, so that lines of text are made only once for each kind.
KINDS = 40
# Series of a process with their sizes in relation to the allocated bytes.
SIZES = {
    "jemalloc_allocated_bytes": 1,
    "jemalloc_active_bytes": 1.1,
    "jemalloc_resident_bytes": 1.25,
    "jemalloc_mapped_bytes": 1.3,
    "jemalloc_process_resident_memory_bytes": 1.35,
}
CONSTANTS = {
    "jemalloc_arenas": 33,
    "jemalloc_up": 1,
    "jemalloc_process_start_time_seconds": 1.7e9,
}
OF_EXPORTER = {
    'jemalloc_exporter_build_info{version="0.1.0",%s}': 1,
    'jemalloc_exporter_processes{state="used",%s}': PER_EXPORTER,
    'jemalloc_exporter_processes{state="unused",%s}': 1,
    'jemalloc_exporter_processes{state="unreachable",%s}': 0,
    'jemalloc_exporter_http_requests_total{code="200",%s}': 1,
    "process_cpu_seconds_total{%s}": 1,
    "process_resident_memory_bytes{%s}": 2e7,
    "process_start_time_seconds{%s}": 1.7e9,
    "up{%s}": 1,
    "scrape_duration_seconds{%s}": 0.02,
}
# The history of this record has 4 minutes between samples, below Prometheus's
# look-back of 5 minutes: enough for the subqueries of the rules.
PEAK = "process:jemalloc_allocated_bytes:max1h"
PEAK_INTERVAL = 240
PEAK_SPAN = 49 * HOUR


def random_lines(times, size):
    """Samples with values between 1 and 1.1 times `size`."""
    return [f"}} {int(size * (1 + random.random() / 10))} {t}\n" for t in times]


def repeat(series, lines):
    """The lines with the name and the open label set of the series before each."""
    return series + series.join(lines)


def listed(rules):
    """The rules of all groups."""
    return [rule for group in rules["groups"] for rule in group["rules"]]


def records(rules, level):
    """The recorded series of a level, each with an open label set."""
    for rule in listed(rules):
        if rule.get("record", "").startswith(f"{level}:"):
            labels = rule.get("labels", {}).items()
            yield rule["record"] + "{" + "".join(f'{k}="{v}",' for k, v in labels)


def history(processes, end, span, interval, rules):
    """OpenMetrics text of `span` seconds, in pieces."""
    random.seed(1)
    times = range(end - span, end + 1, interval)
    older = range(end - PEAK_SPAN, end + 1, PEAK_INTERVAL)
    # From 4 MiB to 1 GiB of live data.
    live = [4 * MIB * 256 ** (kind / KINDS) for kind in range(KINDS)]
    sizes = {
        name: [random_lines(times, factor * size) for size in live]
        for name, factor in SIZES.items()
    }
    peaks = [random_lines(older, size) for size in live]
    aggregates = [random_lines(times, PER_EXPORTER * size) for size in live]

    def constant(value):
        return [f"}} {value:.17g} {t}\n" for t in times]

    constants = {name: constant(value) for name, value in CONSTANTS.items()}
    for number in range(processes // PER_EXPORTER):
        labels = f'job="jemalloc",instance="host-{number}:10536"'
        for series, value in OF_EXPORTER.items():
            yield repeat((series % labels).rstrip("}"), constant(value))
        for program in range(PROGRAMS):
            comm = f'{labels},comm="program-{program}"'
            for series in records(rules, "job_instance_comm"):
                yield repeat(series + comm, aggregates[program])
        for process in range(PER_EXPORTER):
            comm = f'{labels},comm="program-{process % PROGRAMS}",pid="{process + 2}"'
            kind = random.randrange(KINDS)
            for name, lines in sizes.items():
                yield repeat(f"{name}{{{comm}", lines[kind])
            for name, lines in constants.items():
                yield repeat(f"{name}{{{comm}", lines)
            yield repeat(f"{PEAK}{{{comm}", peaks[kind])
            # The alerts query the other records at the end only.
            latest = sizes["jemalloc_allocated_bytes"][kind][-3:]
            for series in records(rules, "process"):
                if not series.startswith(PEAK):
                    yield repeat(series + comm, latest)
    yield "# EOF\n"


def back_fill(folder, *arguments):
    """The data folder of a Prometheus with that history."""
    text = folder / "history.om"
    with text.open("w") as file:
        file.writelines(history(*arguments))
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=96h"]
    command += ["openmetrics", text, folder / "data"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    text.unlink()
    return folder / "data"


class Cost:
    """Measures CPU seconds of Prometheus for queries and for rules."""

    def __init__(self, prometheus, end, span, step):
        self.prometheus = prometheus
        self.end = end
        self.span = span
        self.step = step

    def cpu(self):
        """The process's CPU clock (clock_getcpuclockid(3)), in seconds."""
        return time.clock_gettime(~self.prometheus.process.pid << 3 | 2)

    def query(self, target, rounds):
        """The least of some rounds: a collection of garbage, or other load of the
        machine, can cost more than a query."""
        return min(self.query_once(target) for _ in range(rounds))

    def query_once(self, target):
        start = self.cpu()
        expr = promql.expand(
            target["expr"],
            {
                "job": ".+",
                "instance": ".+",
                "comm": ".*",
                "__range": f"{self.span}s",
                "__rate_interval": f"{4 * self.step}s",
            },
        )
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
        """The cost of each panel, and of each annotation, by its title."""
        costs = {
            panel["title"]: sum(self.query(target, 2) for target in panel["targets"])
            for panel in dashboard_rules.panels(dashboard)
        }
        for annotation in dashboard["annotations"]["list"]:
            costs[annotation["name"]] = self.query(annotation, 2)
        return costs

    def rules(self, rules):
        """The cost of each rule by its name: of a query at the end of the history."""
        costs = {}
        for rule in listed(rules):
            name = rule.get("record") or rule["alert"]
            target = {"expr": str(rule["expr"]), "instant": True}
            costs[name] = costs.get(name, 0) + self.query(target, 5)
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

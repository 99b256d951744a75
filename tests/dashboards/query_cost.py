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
import variables
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
    "jemalloc_allocated_bytes{%s}": 1,
    'jemalloc_class_allocated_bytes{class="small",%s}': 0.6,
    'jemalloc_class_allocated_bytes{class="large",%s}': 0.4,
    "jemalloc_active_bytes{%s}": 1.1,
    "jemalloc_large_padding_bytes{%s}": 0.02,
    "jemalloc_dirty_bytes{%s}": 0.08,
    "jemalloc_thread_cache_bytes{%s}": 0.03,
    "jemalloc_resident_bytes{%s}": 1.25,
    "jemalloc_mapped_bytes{%s}": 1.3,
    "jemalloc_retained_bytes{%s}": 0.2,
    "jemalloc_process_resident_memory_bytes{%s}": 1.35,
}
CONSTANTS = {
    "jemalloc_arenas{%s}": 33,
    "jemalloc_arenas_initialized{%s}": 9,
    "jemalloc_muzzy_bytes{%s}": 0,
    "jemalloc_threads{%s}": 8,
    "jemalloc_background_threads{%s}": 0,
    "jemalloc_refresh_seconds{%s}": 0.001,
    'jemalloc_options_info{version="5.3.0",dirty_decay_ms="10000",%s}': 1,
    "jemalloc_up{%s}": 1,
    "jemalloc_process_start_time_seconds{%s}": 1.7e9,
}
# Counters, with what they add in a second.
COUNTERS = {
    'jemalloc_allocations_total{class="small",%s}': 900,
    'jemalloc_allocations_total{class="large",%s}': 3,
    'jemalloc_arena_allocations_total{class="small",%s}': 40,
    'jemalloc_purges_total{state="dirty",%s}': 0.4,
    'jemalloc_purges_total{state="muzzy",%s}': 0,
    'jemalloc_purged_bytes_total{state="dirty",%s}': 4e5,
    'jemalloc_purged_bytes_total{state="muzzy",%s}': 0,
    "jemalloc_lock_wait_seconds_total{%s}": 0.004,
    "jemalloc_zero_reallocs_total{%s}": 0,
}
# Layers of heaps without all statistics.
FALLBACKS = {"live", "fragmentation", "active", "kept", "unknown"}
# One process of each exporter has the deep sets.
DEEP_SIZES = {
    **{'jemalloc_bin_slab_bytes{size="%d",%%s}' % (16 * i): 0.02 for i in range(1, 37)},
    **{
        'jemalloc_bin_allocated_bytes{size="%d",%%s}' % (16 * i): 0.017
        for i in range(1, 37)
    },
}
DEEP_COUNTERS = {
    **{
        'jemalloc_allocation_size_bytes_bucket{le="%d",%%s}' % (16 << i): 100 * i
        for i in range(21)
    },
    'jemalloc_allocation_size_bytes_bucket{le="+Inf",%s}': 2100,
    "jemalloc_allocation_size_bytes_sum{%s}": 1e6,
    **{
        'jemalloc_mutex_wait_seconds_total{mutex="lock_%d",%%s}' % i: 0.001
        for i in range(12)
    },
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
# The history of this record of large heaps has 4 minutes between samples, below
# Prometheus's look-back of 5 minutes: enough for the subqueries of the rules.
PEAK = "process:jemalloc_allocated_bytes:max1h"
LARGE = 256 * MIB
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
        labels = rule.get("labels", {})
        if labels.get("layer") in FALLBACKS:
            continue
        if rule.get("record", "").startswith(f"{level}:"):
            labels = labels.items()
            yield rule["record"] + "{" + "".join(f'{k}="{v}",' for k, v in labels)


def constant(value, times):
    return [f"}} {value:.17g} {t}\n" for t in times]


def counter(rate, times):
    return [f"}} {rate * (t - times[0]):.17g} {t}\n" for t in times]


def history(processes, end, span, interval, rules):
    """OpenMetrics text of `span` seconds, in pieces."""
    random.seed(1)
    times = range(end - span, end + 1, interval)
    # The alert on growth selects processes that existed then.
    starts = [end - 36 * HOUR, end - 12 * HOUR]
    older = range(end - PEAK_SPAN, end + 1, PEAK_INTERVAL)
    # From 4 MiB to 1 GiB of live data.
    live = [4 * MIB * 256 ** (kind / KINDS) for kind in range(KINDS)]
    sizes = {
        name: [
            random_lines([*(starts if factor == 1 else []), *times], factor * size)
            for size in live
        ]
        for name, factor in (SIZES | DEEP_SIZES).items()
    }
    peaks = [random_lines(older, size) for size in live]
    aggregates = [random_lines(times, PER_EXPORTER * size) for size in live]
    constants = {name: constant(value, times) for name, value in CONSTANTS.items()}
    counters = {
        name: counter(rate, times) for name, rate in (COUNTERS | DEEP_COUNTERS).items()
    }

    def series(names, lines, labels):
        for name in names:
            yield repeat((name % labels).rstrip("}"), lines(name))

    for rule in listed(rules):
        if rule.get("record", "").startswith("threshold:"):
            yield repeat(rule["record"] + "{", constant(float(rule["expr"]), times))
    for number in range(processes // PER_EXPORTER):
        labels = f'job="jemalloc",instance="host-{number}:10536"'
        yield from series(
            OF_EXPORTER, lambda name: constant(OF_EXPORTER[name], times), labels
        )
        for program in range(PROGRAMS):
            comm = f'{labels},comm="program-{program}"'
            for record in records(rules, "job_instance_comm"):
                yield repeat(record + comm, aggregates[program])
        for process in range(PER_EXPORTER):
            comm = f'{labels},comm="program-{process % PROGRAMS}",pid="{process + 2}"'
            kind = random.randrange(KINDS)
            deep = process == 0
            bytes_of = SIZES | DEEP_SIZES if deep else SIZES
            rates_of = COUNTERS | DEEP_COUNTERS if deep else COUNTERS
            yield from series(bytes_of, lambda name: sizes[name][kind], comm)
            yield from series(CONSTANTS, constants.get, comm)
            unit = f'unit="program-{process % PROGRAMS}.service"'
            yield repeat(f"jemalloc_process_info{{{unit},{comm}", constant(1, times))
            yield from series(rates_of, counters.get, comm)
            if live[kind] < LARGE:
                continue
            yield repeat(f"{PEAK}{{{comm}", peaks[kind])
            for record in records(rules, "process"):
                if not record.startswith(PEAK) and "unreachable" not in record:
                    yield repeat(record + comm, sizes["jemalloc_allocated_bytes{%s}"][kind])
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

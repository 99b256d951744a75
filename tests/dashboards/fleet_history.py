"""A Prometheus with a history of many processes: exporters of 100 each, which run ten
programs."""

import random
import re
import subprocess

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
LARGE = 256 * MIB
# The time that the alert on growth reads: a day that ended a day ago.
PEAK_SPAN = 49 * HOUR


def random_lines(times, size):
    """Samples with values between 1 and 1.1 times `size`."""
    return [f"}} {int(size * (1 + random.random() / 10))} {t}\n" for t in times]


def repeat(series, lines):
    """The lines with the name and the open label set of the series before each."""
    return series + series.join(lines)


def listed(rules):
    """The rules of all groups, each with the seconds between its evaluations."""
    seconds = {"s": 1, "m": 60, "h": HOUR}
    for group in rules["groups"]:
        number, unit = re.fullmatch(r"(\d+)([smh])", group["interval"]).groups()
        for rule in group["rules"]:
            yield rule, int(number) * seconds[unit]


def records(rules, level):
    """The recorded series of a level, each with an open label set, and the seconds
    between its evaluations."""
    for rule, seconds in listed(rules):
        labels = rule.get("labels", {})
        if labels.get("layer") in FALLBACKS:
            continue
        if rule.get("record", "").startswith(f"{level}:"):
            labels = labels.items()
            name = rule["record"] + "{" + "".join(f'{k}="{v}",' for k, v in labels)
            yield name, seconds


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

    def record_times(seconds):
        """Those of rare records begin when the alert on growth needs them."""
        if seconds <= interval:
            return times
        return range(end - PEAK_SPAN, end + 1, seconds)

    # From 4 MiB to 1 GiB of live data.
    live = [4 * MIB * 256 ** (kind / KINDS) for kind in range(KINDS)]
    sizes = {
        name: [
            random_lines([*(starts if factor == 1 else []), *times], factor * size)
            for size in live
        ]
        for name, factor in (SIZES | DEEP_SIZES).items()
    }
    of_processes = [
        (name, [random_lines(record_times(seconds), size) for size in live])
        for name, seconds in records(rules, "process")
        if "unreachable" not in name
    ]
    aggregates = [random_lines(times, PER_EXPORTER * size) for size in live]
    constants = {name: constant(value, times) for name, value in CONSTANTS.items()}
    counters = {
        name: counter(rate, times) for name, rate in (COUNTERS | DEEP_COUNTERS).items()
    }

    def series(names, lines, labels):
        for name in names:
            yield repeat((name % labels).rstrip("}"), lines(name))

    for rule, _ in listed(rules):
        if rule.get("record", "").startswith("threshold:"):
            yield repeat(rule["record"] + "{", constant(float(rule["expr"]), times))
    for number in range(processes // PER_EXPORTER):
        labels = f'job="jemalloc",instance="host-{number}:10536"'
        yield from series(
            OF_EXPORTER, lambda name: constant(OF_EXPORTER[name], times), labels
        )
        for program in range(PROGRAMS):
            comm = f'{labels},comm="program-{program}"'
            for name, _ in records(rules, "job_instance_comm"):
                yield repeat(name + comm, aggregates[program])
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
            if live[kind] >= LARGE:
                for name, lines in of_processes:
                    yield repeat(name + comm, lines[kind])
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

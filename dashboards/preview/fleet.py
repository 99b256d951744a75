"""A generated fleet with one process for each situation that the dashboard shows,
as a function of time. The pictures show it, and the tests backfill Prometheus with it.

    fleet.py > fleet.om    # the last six hours, for promtool's backfilling
"""

import dataclasses
import math
import sys
import time

MIB = 1 << 20
HOUR = 3600
STEP = 15
SPAN = 7 * HOUR + 10 * 60


@dataclasses.dataclass
class Heap:
    """A process's heap in MiB, and its RSS in MiB."""

    allocated: float
    active: float
    resident: float
    mapped: float
    rss: float
    arenas: int = 33


def in_pages(mib):
    return mib * MIB // 4096 * 4096


def wave(hours, period, phase=0.0):
    """Between -1 and 1, never quite the same twice."""
    turn = 2 * math.pi * hours / period + phase
    return (
        math.sin(turn) + 0.4 * math.sin(2.7 * turn) + 0.2 * math.sin(13.1 * turn)
    ) / 1.6


def healthy(allocated, hours, foreign=24.0, holes=0.06):
    active = allocated * (1 + holes + 0.008 * wave(hours, 2.1, 9 * holes))
    resident = active * 1.03 + 12 + 6 * wave(hours, 0.4)
    return Heap(allocated, active, resident, resident * 1.03, resident * 0.99 + foreign)


def cache(hours):
    return healthy(860 + 45 * wave(hours, 1.6), hours, holes=0.09)


def leak(hours):
    """Adds 300 MiB an hour, whatever it does besides."""
    return healthy(420 + 300 * (hours + 6) + 30 * wave(hours, 0.5), hours, holes=0.04)


def fragmented(hours):
    """A burst of small objects is freed three hours ago, all but a few in each
    page."""
    burst = 760 / (1 + math.exp((hours + 3) * 14)) * (1 + 0.05 * wave(hours, 0.7))
    allocated = 620 + burst + 20 * wave(hours, 0.9)
    active = max(allocated * 1.07, 1390 + 12 * wave(hours, 0.9))
    resident = active * 1.02 + 20
    return Heap(allocated, active, resident, resident * 1.03, resident + 20)


def retaining(hours):
    """Works in batches, and has been idle for an hour and a half, with the pages
    of the last one."""
    batch = max(0.0, math.sin(2 * math.pi * (hours + 6) / 1.5)) ** 0.5
    allocated = 240 + (1250 * batch if hours < -1.5 else 0) + 4 * wave(hours, 0.3)
    active = allocated * 1.05
    last_peak = 240 + 1250
    kept = last_peak * 1.05 * (0.97 if hours > -5.6 else 0.3)
    resident = max(active, kept) * 1.02 + 16
    return Heap(allocated, active, resident, resident * 1.02, resident + 18)


def warming_up(hours, started):
    """Fills its caches for an hour after the start."""
    age = max(0.0, hours - started)
    return healthy(
        90 + 480 * (1 - math.exp(-age / 0.4)) + 25 * wave(hours, 0.8), hours, holes=0.07
    )


def embedded(hours):
    """Small on its heap, large outside of it: mapped files."""
    heap = healthy(300 + 25 * wave(hours, 1.1), hours)
    return dataclasses.replace(
        heap, rss=heap.resident + 560 + 60 * math.tanh(hours + 4)
    )


def exporting(processes):
    """An exporter itself: small, and a little larger for each process it shows."""

    def heap(hours):
        live = 1.6 + 0.09 * processes
        resident = live + 4.4 + 0.2 * wave(hours, 1)
        return Heap(live, live * 1.25, resident, 9.5, resident + 3.4, 9)

    return heap


# comm, pid, heap, started, silent from; hours before the end of the history. The
# pids and hosts are such that the colours, which go by name, differ clearly.
DB = [
    ("redis-server", 417, cache, -340, None),
    ("searchd", 427, fragmented, -51, None),
    (
        "mariadbd",
        461,
        lambda h: healthy(1240 + 60 * wave(h, 2.3, 1), h, 60, 0.11),
        -340,
        None,
    ),
    ("jemalloc_export", 418, exporting(4), -340, None),
]
WEB = [
    ("orderd", 749, leak, -20, None),
    (
        "varnishd",
        462,
        lambda h: healthy(640 + 30 * wave(h, 1.2, 2), h, holes=0.05),
        -75,
        None,
    ),
    ("imaged", 529, retaining, -75, None),
    ("gatewayd", 556, lambda h: warming_up(h, -30), -30, None),
    ("gatewayd", 807, lambda h: warming_up(h, -2.2), -2.2, None),
    (
        "reportd",
        586,
        lambda h: healthy(180 + 10 * wave(h, 0.6), h, holes=0.13),
        -12,
        -0.7,
    ),
    ("jemalloc_export", 640, exporting(7), -340, None),
]
RESTART = -2.2


class Fleet:
    """The fleet whose history ends at `end`, in seconds since the epoch."""

    def __init__(self, end):
        self.end = end

    def hours(self, now):
        return (now - self.end) / HOUR

    def heap(self, heap, labels):
        yield "jemalloc_allocated_bytes", labels, heap.allocated * MIB // 16 * 16
        yield "jemalloc_active_bytes", labels, in_pages(heap.active)
        yield "jemalloc_resident_bytes", labels, in_pages(heap.resident)
        yield "jemalloc_mapped_bytes", labels, in_pages(heap.mapped)
        yield "jemalloc_arenas", labels, heap.arenas

    def itself(self, now, rss, started, cpu=0.02):
        yield "process_cpu_seconds_total", {}, cpu * (now - self.end + 400 * HOUR)
        yield "process_resident_memory_bytes", {}, in_pages(rss)
        yield "process_start_time_seconds", {}, self.end + started * HOUR

    def exporter(self, processes, now):
        hours = self.hours(now)
        used = unreachable = 0
        for comm, pid, heap, started, silent in processes:
            # The restarted one has one pid before, and another one after.
            if comm == "gatewayd" and (hours < RESTART) == (started == RESTART):
                continue
            labels = {"comm": comm, "pid": pid}
            state = heap(hours)
            answers = silent is None or hours < silent
            used += answers
            unreachable += not answers
            yield "jemalloc_up", labels, int(answers)
            if answers:
                yield from self.heap(state, labels)
            yield "jemalloc_process_resident_memory_bytes", labels, in_pages(state.rss)
            began = self.end + started * HOUR
            yield "jemalloc_process_start_time_seconds", labels, began
        states = {"used": used, "unused": 1, "unreachable": unreachable}
        for state, count in states.items():
            yield "jemalloc_exporter_processes", {"state": state}, count
        build = {"version": "0.1.0", "revision": "3f2c1ab", "compiler": "GCC 12.2.0"}
        yield "jemalloc_exporter_build_info", {**build, "jemalloc_version": "5.3.0"}, 1
        for code, share in {"200": 1, "404": 0.01, "500": 0, "503": 0}.items():
            requests = share * (now - self.end + 400 * HOUR) / STEP
            yield "jemalloc_exporter_http_requests_total", {"code": code}, requests // 1
        count = len(processes)
        yield from self.itself(now, exporting(count)(hours).rss, -340, 0.0006 * count)

    def embedding(self, now, has_rss=True, labels=({},)):
        """A program that embeds the collectable, once for each set of constant
        labels, with metrics of its own process or without."""
        heap = embedded(self.hours(now))
        for constant in labels:
            yield from self.heap(heap, constant)
        if has_rss:
            yield from self.itself(now, heap.rss, -96)

    def targets(self, now):
        """The samples of each target, by its job and instance."""
        return {
            ("jemalloc", "db-1:10536"): self.exporter(DB, now),
            ("jemalloc", "web-2:10536"): self.exporter(WEB, now),
            ("billing", "billing-3:8080"): self.embedding(now),
        }


def line(name, labels, value, timestamp=""):
    inside = ",".join(f'{k}="{v}"' for k, v in labels.items())
    return f"{name}{{{inside}}} {value:.17g} {timestamp}".rstrip() + "\n"


def page(samples):
    """What a target would serve: text, version 0.0.4."""
    return "".join(line(*sample) for sample in samples)


def history(end):
    """All targets' samples until `end`, as OpenMetrics for promtool, with what
    Prometheus adds to them."""
    fleet = Fleet(end)
    for now in range(end - SPAN, end + 1, STEP):
        for (job, instance), samples in fleet.targets(now).items():
            target = {"job": job, "instance": instance}
            count = 0
            for name, labels, value in samples:
                yield line(name, {**target, **labels}, value, now)
                count += 1
            yield line("up", target, 1, now)
            noise = 0.1 * wave(fleet.hours(now), 0.3, len(instance))
            duration = 0.00008 * count * (1 + noise)
            yield line("scrape_duration_seconds", target, duration, now)
    yield "# EOF\n"


if __name__ == "__main__":
    sys.stdout.writelines(history(int(time.time())))

"""A generated fleet with one process for each situation that the dashboard shows,
as a function of time. The pictures show it, and the tests backfill Prometheus with it.

    fleet.py > fleet.om    # the last six hours, for promtool's backfilling
"""

import sys
import time

from heaps import (
    cache,
    contended,
    embedded,
    exporting,
    fragmented,
    healthy,
    in_pages,
    leak,
    MIB,
    retaining,
    warming_up,
    wave,
)

HOUR = 3600
STEP = 15
SPAN = 7 * HOUR + 10 * 60

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
    ("varnishd", 462, contended, -75, None),
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
OPTIONS = {
    "version": "5.3.0-0-g54eaed1d8b56b1aa528be3b",
    "dirty_decay_ms": 10000,
    "muzzy_decay_ms": 0,
    "narenas": 32,
    "tcache": "true",
    "tcache_max": 32768,
    "retain": "true",
    "thp": "default",
    "metadata_thp": "disabled",
    "percpu_arena": "disabled",
    "oversize_threshold": 8388608,
    "cache_oblivious": "true",
    "prof": "false",
    "hpa": "false",
}
# Size classes with the shares of the holes in each, and the slots of a slab.
BINS = {448: 0.42, 224: 0.21, 32: 0.12, 96: 0.09, 1280: 0.07, 64: 0.05, 3584: 0.04}
# The shares of the allocations by size.
SIZES = {16: 0.1, 32: 0.2, 64: 0.25, 128: 0.2, 256: 0.12, 1024: 0.08, 16384: 0.03}
SIZES |= {32768: 0.015, 1 << 20: 0.005}
LOCKS = {"bins": 0.8, "extents_dirty": 0.15, "base": 0.01, "ctl": 0.04}


def cgroup_labels(comm):
    """The labels of the unit or container in which a program runs."""
    if comm == "gatewayd":
        return {"container_id": "9f2b" * 16}
    return {"unit": f"{comm}.service"}


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

    def statistics(self, heap, labels):
        """The standard set, and the deep ones of some processes."""
        large = heap.allocated * heap.large
        padding = min(heap.allocated * heap.padding, heap.active - heap.allocated)
        metadata = min(12, (heap.resident - heap.active) / 2)
        for name, mib in {
            "large_padding": padding,
            "dirty": heap.resident - heap.active - metadata,
            "muzzy": heap.muzzy,
            "retained": heap.mapped * 0.2,
            "thread_cache": heap.allocated * heap.thread_caches,
        }.items():
            yield f"jemalloc_{name}_bytes", labels, in_pages(mib)
        for kind, mib in {"small": heap.allocated - large, "large": large}.items():
            of_kind = {**labels, "class": kind}
            yield "jemalloc_class_allocated_bytes", of_kind, mib * MIB // 16 * 16
        yield "jemalloc_arenas_initialized", labels, min(heap.arenas, 8)
        yield "jemalloc_background_threads", labels, heap.background_threads
        yield "jemalloc_refresh_seconds", labels, heap.refresh
        yield "jemalloc_options_info", {**labels, **OPTIONS}, 1
        yield "jemalloc_lock_wait_seconds_total", labels, heap.waited * HOUR
        seconds = heap.worked * HOUR
        yield "jemalloc_zero_reallocs_total", labels, seconds // 600
        for kind, rate in {"small": 9000, "large": 40}.items():
            of_kind = {**labels, "class": kind}
            yield "jemalloc_allocations_total", of_kind, rate * seconds // 1
        for state, rate in {"dirty": 1, "muzzy": 0}.items():
            of_state = {**labels, "state": state}
            yield "jemalloc_purges_total", of_state, rate * seconds // 1
            yield "jemalloc_purged_bytes_total", of_state, in_pages(rate * seconds)
        if heap.deep:
            yield from self.deep_sets(heap, labels, heap.active - heap.allocated)

    def deep_sets(self, heap, labels, holes):
        small = heap.allocated * (1 - heap.large)
        for size, share in BINS.items():
            of_bin = {**labels, "size": size}
            live = in_pages(small / len(BINS))
            yield "jemalloc_bin_allocated_bytes", of_bin, live
            yield "jemalloc_bin_slab_bytes", of_bin, live + in_pages(holes * share)
        count = total = 0
        for size, share in SIZES.items():
            count += share * heap.worked * 9040 * HOUR // 1
            total += share * heap.worked * 9040 * HOUR * size // 1
            of_size = {**labels, "le": size}
            yield "jemalloc_allocation_size_bytes_bucket", of_size, count
        yield "jemalloc_allocation_size_bytes_bucket", {**labels, "le": "+Inf"}, count
        yield "jemalloc_allocation_size_bytes_count", labels, count
        yield "jemalloc_allocation_size_bytes_sum", labels, total
        for mutex, share in LOCKS.items():
            of_mutex = {**labels, "mutex": mutex}
            waited = share * heap.waited * HOUR
            yield "jemalloc_mutex_wait_seconds_total", of_mutex, waited

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
                yield from self.statistics(state, labels)
            yield "jemalloc_process_resident_memory_bytes", labels, in_pages(state.rss)
            began = self.end + started * HOUR
            yield "jemalloc_process_start_time_seconds", labels, began
            yield "jemalloc_process_info", {**labels, **cgroup_labels(comm)}, 1
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

    def embedding(self, now, has_rss=True, labels=({},), is_old=False):
        """A program that embeds the collectable, once for each set of constant
        labels, with metrics of its own process or without. An old collectable
        exports the five gauges alone."""
        heap = embedded(self.hours(now))
        for constant in labels:
            yield from self.heap(heap, constant)
            if not is_old:
                yield from self.statistics(heap, constant)
        if has_rss:
            yield from self.itself(now, heap.rss, -96)

    def lean(self, now):
        """The same with a jemalloc that is built without statistics."""
        heap = embedded(self.hours(now))
        yield "jemalloc_active_bytes", {}, in_pages(heap.active)
        yield "jemalloc_dirty_bytes", {}, in_pages(heap.resident - heap.active - 8)
        yield "jemalloc_arenas", {}, heap.arenas
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

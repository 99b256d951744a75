"""Heaps of real programs as they were measured with jemalloc 5.3.0, in MiB, and the
diagnosis of each: the layers that explain it, and its alerts.

The programs were smaller than the thresholds of the alerts, so their numbers are
taken times `SCALE`."""

import dataclasses

SCALE = 16
MIB = 1 << 20
LABELS = 'job="jemalloc",instance="a:10536",comm="%s",pid="1"'


@dataclasses.dataclass
class Heap:
    allocated: float
    active: float
    resident: float
    rss: float
    dirty: float
    thread_cache: float
    padding: float
    retained: float
    # Layers of at least a tenth of the RSS, the largest first.
    layers: tuple
    alerts: frozenset = frozenset()
    # Passes of the decay in five minutes.
    purges: int = 1
    background_threads: int = 2


FRAGMENTATION = "JemallocFragmentationHigh"
RETENTION = "JemallocRetentionHigh"
DECAY = "JemallocDecayStalled"
RSS = "JemallocRssAboveHeap"

HEAPS = {
    "redis-full": Heap(54.5, 54.8, 58.0, 66.0, 0.0, 0.0, 0.0, 8.2, ("live", "outside")),
    # 7 of 8 keys deleted.
    "redis-deleted": Heap(
        *(10.0, 54.9, 60.4, 66.7, 2.2, 0.1, 0.1, 5.9),
        layers=("holes", "live"),
        alerts={FRAGMENTATION},
    ),
    # With 3,000 values of 16 kB.
    "redis-large": Heap(
        *(57.0, 113.5, 117.3, 124.2, 0.2, 0.0, 11.8, 23.3),
        layers=("live", "holes"),
        alerts={FRAGMENTATION},
    ),
    # These deleted.
    "redis-deleted-large": Heap(
        *(10.2, 55.3, 84.9, 92.4, 26.0, 0.3, 0.1, 55.7),
        layers=("holes", "dirty", "live"),
        alerts={FRAGMENTATION, RETENTION},
    ),
    # 12 s later.
    "redis-decayed": Heap(
        *(8.3, 53.4, 57.5, 65.6, 0.4, 0.2, 0.1, 83.1),
        layers=("holes", "live", "outside"),
        alerts={FRAGMENTATION},
    ),
    "varnish-start": Heap(
        *(6.6, 6.9, 12.1, 87.6, 0.0, 0.4, 0.2, 11.6),
        layers=("outside",),
        alerts={RSS},
        purges=0,
        background_threads=0,
    ),
    "varnish-loaded": Heap(
        *(60.2, 65.8, 71.3, 139.5, 0.1, 4.3, 4.8, 10.6),
        layers=("outside", "live"),
        purges=0,
        background_threads=0,
    ),
    "varnish-idle": Heap(
        *(58.7, 64.2, 71.3, 139.5, 1.7, 4.3, 4.7, 10.6),
        layers=("outside", "live"),
        purges=0,
        background_threads=0,
    ),
    "named": Heap(
        *(53.4, 54.2, 58.3, 64.6, 0.1, 0.9, 0.2, 15.7),
        layers=("live",),
        purges=0,
        background_threads=0,
    ),
    # A program that freed 64 MiB and has nothing to do.
    "idle": Heap(
        *(0.1, 0.2, 66.0, 69.0, 64.0, 0.0, 0.0, 0.0),
        layers=("dirty",),
        alerts={RETENTION, DECAY},
        purges=0,
        background_threads=0,
    ),
}


def samples(comm, heap):
    """The series of a heap with their values in bytes, and those of counters with
    what they add in five minutes."""
    labels = LABELS % comm
    for name, mib in {
        "jemalloc_allocated_bytes{%s}": heap.allocated,
        'jemalloc_class_allocated_bytes{class="small",%s}': heap.allocated * 0.8,
        'jemalloc_class_allocated_bytes{class="large",%s}': heap.allocated * 0.2,
        "jemalloc_active_bytes{%s}": heap.active,
        "jemalloc_resident_bytes{%s}": heap.resident,
        "jemalloc_process_resident_memory_bytes{%s}": heap.rss,
        "jemalloc_dirty_bytes{%s}": heap.dirty,
        "jemalloc_thread_cache_bytes{%s}": heap.thread_cache,
        "jemalloc_large_padding_bytes{%s}": heap.padding,
        "jemalloc_retained_bytes{%s}": heap.retained,
        "jemalloc_muzzy_bytes{%s}": 0,
    }.items():
        yield name % labels, f"{int(mib * SCALE * MIB)}"
    for name, value in {
        "jemalloc_arenas{%s}": "9",
        "jemalloc_arenas_initialized{%s}": "8",
        "jemalloc_background_threads{%s}": str(heap.background_threads),
        "jemalloc_lock_wait_seconds_total{%s}": "0",
        "jemalloc_refresh_seconds{%s}": "0.0003",
        'jemalloc_options_info{version="5.3.0",%s}': "1",
        'jemalloc_purges_total{state="dirty",%s}': f"0+{heap.purges}",
    }.items():
        yield name % labels, value

"""The heaps of the generated fleet as functions of time, in hours before its end."""

import dataclasses
import math

MIB = 1 << 20


@dataclasses.dataclass
class Heap:
    """A process's heap in MiB, and its RSS in MiB."""

    allocated: float
    active: float
    resident: float
    mapped: float
    rss: float
    arenas: int = 33
    # Of the allocated bytes.
    large: float = 0.3
    thread_caches: float = 0.02
    padding: float = 0.015
    # Hours of normal work, and hours that threads waited for locks, until now.
    worked: float = 0
    waited: float = 0
    # Beyond resident.
    muzzy: float = 0
    # Size classes and locks are exported.
    deep: bool = False
    background_threads: int = 0
    refresh: float = 0.0004


def in_pages(mib):
    return mib * MIB // 4096 * 4096


def wave(hours, period, phase=0.0):
    """Between -1 and 1, never quite the same twice."""
    turn = 2 * math.pi * hours / period + phase
    return (
        math.sin(turn) + 0.4 * math.sin(2.7 * turn) + 0.2 * math.sin(13.1 * turn)
    ) / 1.6


def work(hours):
    """Hours of work since long ago, more in some of them than in others."""
    return hours + 400 + 0.06 * math.sin(2 * math.pi * hours / 1.7)


def healthy(allocated, hours, foreign=24.0, holes=0.06):
    active = allocated * (1 + holes + 0.008 * wave(hours, 2.1, 9 * holes))
    resident = active * 1.03 + 12 + 6 * wave(hours, 0.4)
    return Heap(
        *(allocated, active, resident, resident * 1.03, resident * 0.99 + foreign),
        worked=work(hours),
        waited=0.002 * work(hours),
    )


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
    return Heap(
        *(allocated, active, resident, resident * 1.03, resident + 20),
        worked=work(hours),
        deep=True,
        background_threads=4,
    )


def retaining(hours):
    """Works in batches, and has been idle for an hour and a half, with the pages
    of the last one."""
    batch = max(0.0, math.sin(2 * math.pi * (hours + 6) / 1.5)) ** 0.5
    allocated = 240 + (1250 * batch if hours < -1.5 else 0) + 4 * wave(hours, 0.3)
    active = allocated * 1.05
    last_peak = 240 + 1250
    kept = last_peak * 1.05 * (0.97 if hours > -5.6 else 0.3)
    resident = max(active, kept) * 1.02 + 16
    # Decay passes are driven by the work of the program.
    return Heap(
        *(allocated, active, resident, resident * 1.02, resident + 18),
        large=0.7,
        padding=0.03,
        worked=work(min(hours, -1.5)),
        refresh=0.012 + 0.001 * wave(hours, 0.2),
    )


def contended(hours):
    """Many threads, and few arenas for them."""
    heap = healthy(640 + 30 * wave(hours, 1.2, 2), hours, holes=0.05)
    busy = math.log(1 + math.exp((hours + 2) * 9)) / 9
    return dataclasses.replace(
        heap,
        worked=4 * work(hours) + 9 * busy,
        waited=0.004 * work(hours) + 0.9 * busy,
        deep=True,
        thread_caches=0.11,
        large=0.55,
        padding=0.045,
        arenas=5,
    )


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
        heap, rss=heap.resident + 600 + 60 * math.tanh(hours + 4), muzzy=40
    )


def exporting(processes):
    """An exporter itself: small, and a little larger for each process it shows."""

    def heap(hours):
        live = 1.6 + 0.09 * processes
        resident = live + 4.4 + 0.2 * wave(hours, 1)
        return Heap(live, live * 1.25, resident, 9.5, resident + 3.4, 9)

    return heap

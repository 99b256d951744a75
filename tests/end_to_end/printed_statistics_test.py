"""Every number that is read in real programs is the one that malloc_stats_print
prints at the same refresh, with one arena in use and with eight."""

import json
import os
import socket
import unittest

from agents import CLEAN_ENV, DEADLINE, HOSTS, wait_for
from debian_programs import DebianPrograms
from heap_fields import MALLCTL, OF_PAGES, STATISTICS
from support import children

PAGE = 4096
MERGED = "stats.arenas.4096."
COUNTERS = ("n_lock_ops", "n_waiting", "total_wait_ns")


def all_arenas(printed):
    """Where one arena is in use, it is printed alone."""
    arenas = printed["stats.arenas"]
    return arenas.get("merged") or arenas["0"]


def statistic(printed, name):
    """The value of a statistic in the JSON of malloc_stats_print, whose keys are the
    parts of the mallctl name."""
    mallctl = MALLCTL[name]
    value = printed
    if mallctl.startswith(MERGED):
        value = all_arenas(printed)
    for key in mallctl.removeprefix(MERGED).split("."):
        value = value[key]
    return value * (PAGE if name in OF_PAGES else 1)


def table(lines, heading):
    """The rows below the line that begins with the words of `heading`, each as a
    dictionary by column. `(#/sec)` is a column: the rate of the one before."""
    found = iter(lines)
    first = heading.split()
    columns = next(line.split() for line in found if line.split()[: len(first)] == first)
    is_named = len(first) == 1
    columns = ["name", *columns] if is_named else columns[1:]
    for line in found:
        words = line.split()
        if len(words) == 1:  # `---`: unused classes.
            continue
        if len(words) != len(columns):
            return
        yield dict(zip(columns, words))


def counters(row):
    return [int(row[name]) for name in COUNTERS]


def worker_of(pid):
    """The child of varnishd that is no compiler; None before it is started."""
    for child in children(pid):
        with open(f"/proc/{child}/comm", encoding="utf-8") as comm:
            if comm.read() == "cache-main\n":
                return child
    return None


class PrintedStatistics(DebianPrograms):
    def probe(self, pid):
        """The printed JSON and what is read with it; the text, and the same."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(f"\0statistics_probe/{pid}")
            parts = client.makefile("rb").read().decode().split("\0")
        self.assertEqual(len(parts), 5)
        printed, read, text, read_again, _ = parts
        return json.loads(printed)["jemalloc"], json.loads(read), text, json.loads(read_again)

    def start_with_probe(self, arenas, *command):
        env = {
            **CLEAN_ENV,
            "LD_PRELOAD": os.path.join(HOSTS, "libstatistics_probe.so"),
            "MALLOC_CONF": f"narenas:{arenas}",
        }
        return self.start(*command, env=env)

    def redis(self, name):
        socket_of = ["--unixsocket", self.path(name)]
        return ["redis-server", "--port", "0", "--save", "", *socket_of]

    def assert_equal_numbers(self, pid, arenas):
        def responds():
            with socket.socket(socket.AF_UNIX) as client:
                return client.connect_ex(f"\0statistics_probe/{pid}") == 0

        wait_for(responds, "the probe")
        printed, read, text, read_again = self.probe(pid)
        self.assert_statistics_of(printed, read["statistics"])
        self.assert_arenas(printed, read["arenas"], arenas)
        self.assert_acquisitions(printed, read["locks"])
        lines = text.split("\n")
        merged = lines[lines.index("Merged arenas stats:") :]
        self.assert_classes(merged, read_again)
        self.assert_extents(merged, read_again["extents"]["rows"])
        self.assert_locks(lines, merged, read_again)

    def assert_statistics_of(self, printed, statistics):
        for name in STATISTICS:
            if MALLCTL[name]:
                self.assertEqual(statistics[name], statistic(printed, name), name)
        large = all_arenas(printed)["large"]
        live = large["nmalloc"] - large["ndalloc"]
        self.assertEqual(statistics["large_padding_bytes"], PAGE * live)

    def assert_arenas(self, printed, arenas, least):
        rows = arenas["rows"]
        self.assertGreaterEqual(len(rows), least)
        for row in rows:
            arena = printed["stats.arenas"][str(row[0])]
            expected = [
                row[0],
                PAGE * arena["pactive"],
                PAGE * arena["pdirty"],
                arena["small"]["allocated"],
                arena["large"]["allocated"],
                arena["nthreads"],
            ]
            self.assertEqual(row, expected)

    def assert_classes(self, merged, read):
        bins = list(table(merged, "bins: size"))
        large = list(table(merged, "large: size"))
        rows = [
            [
                int(row["size"]),
                int(row["regs"]),
                PAGE * int(row["pgs"]),
                int(row["curregs"]),
                int(row["curslabs"]),
                int(row["nrequests"]),
            ]
            for row in bins
        ]
        used = [row for row in rows if any(row[3:])]
        self.assertGreater(len(used), 5)
        self.assertEqual(read["bins"]["rows"], used)
        sizes = [[int(row["size"]), int(row["nrequests"])] for row in bins + large]
        self.assertEqual(read["sizes"]["rows"], [size for size in sizes if size[1]])

    def assert_extents(self, merged, rows):
        columns = ("size", "ndirty", "dirty", "nmuzzy", "muzzy", "nretained", "retained")
        expected = [
            [int(row[column]) for column in columns]
            for row in table(merged, "extents: size")
        ]
        self.assertGreater(len(expected), 0)
        self.assertEqual(rows, expected)

    def assert_acquisitions(self, printed, locks):
        """Other counters of mutexes are wrong in the JSON of jemalloc 5.3.0."""
        merged = all_arenas(printed)
        mutexes = {**printed["stats"]["mutexes"], **merged["mutexes"]}
        expected = {name: mutex["num_ops"] for name, mutex in mutexes.items()}
        expected["bins"] = sum(each["mutex"]["num_ops"] for each in merged["bins"])
        self.assertEqual(
            {name: lock[0] for name, lock in locks.items()},
            {name: expected[name] for name in locks},
        )

    def assert_locks(self, lines, merged, read):
        expected = {row["name"]: counters(row) for row in table(lines, "n_lock_ops")}
        expected.update((r["name"], counters(r)) for r in table(merged, "n_lock_ops"))
        locks = read["locks"]
        # Bins that have no slab are not in the text, and threads waited for none.
        bins = [counters(row) for row in table(merged, "bins: size")]
        used = [sum(column) for column in zip(*bins)]
        self.assertLessEqual(used[0], locks["bins"][0])
        expected["bins"] = [locks["bins"][0], *used[1:]]
        self.assertLessEqual({"bins", "ctl", "extents_dirty"}, set(locks))
        self.assertEqual(locks, {name: expected[name] for name in locks})
        for key, column in (("lock_waits", 1), ("lock_wait_nanoseconds", 2)):
            total = sum(values[column] for values in locks.values())
            self.assertEqual(read["statistics"][key], total)

    def test_of_redis(self):
        for arenas in (1, 8):
            with self.subTest(arenas=arenas):
                pid = self.start_with_probe(arenas, *self.redis(f"socket{arenas}"))
                self.assert_equal_numbers(pid, arenas)

    def test_of_named(self):
        for arenas in (1, 8):
            with self.subTest(arenas=arenas):
                pid = self.start_with_probe(arenas, *self.named())
                self.assert_equal_numbers(pid, arenas)

    def test_of_varnishd_and_its_worker(self):
        for arenas in (1, 8):
            with self.subTest(arenas=arenas):
                pid = self.start_with_probe(arenas, *self.varnishd(f"v{arenas}"))
                self.assert_equal_numbers(pid, arenas)
                worker = wait_for(lambda pid=pid: worker_of(pid), "the worker")
                self.assert_equal_numbers(worker, arenas)


if __name__ == "__main__":
    unittest.main()

"""A test program that uses the listener, and what it writes. LISTENER_PROGRAMS is the
folder of its builds: on jemalloc, on an unused one, and without."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from prometheus_client.parser import text_string_to_metric_families

from support import CLEAN_ENV, wait_for

PROGRAMS = pathlib.Path(os.environ["LISTENER_PROGRAMS"])
USED = "heap_listener_fixture_program_used"  # On jemalloc.
UNUSED = "heap_listener_fixture_program_unused"  # With jemalloc linked but unused.
WITHOUT = "heap_listener_fixture_program_without"  # Without jemalloc.
MIB = 1 << 20
NUMBERS = [
    "heap_growth_bytes",
    "allocated_bytes",
    "freed_bytes",
    "small_allocations",
    "large_allocations",
]
HEAP_METRICS = {
    "jemalloc_" + name
    for name in (
        "allocated_bytes",
        "active_bytes",
        "resident_bytes",
        "mapped_bytes",
        "arenas",
        "retained_bytes",
        "metadata_bytes",
        "internal_bytes",
        "dirty_bytes",
        "muzzy_bytes",
        "thread_cache_bytes",
        "large_padding_bytes",
        "class_allocated_bytes",
    )
} | {"jemalloc_test_" + name for name in NUMBERS}
METRICS = HEAP_METRICS | {
    "jemalloc_test_duration_seconds",
    "jemalloc_test_result",
    "jemalloc_tests_evicted",
}
RESULTS = {
    "Expectation.HoldsForWhatIsFreed": "passed",
    "Expectation.IsNotForABlockThatIsLeft": "passed",
    "Expectation.ToleratesWhatIsGranted": "passed",
    "FastDeathTest.Dies": "passed",
    "Few/Numbers.AreTests/0": "passed",
    "Few/Numbers.AreTests/1": "passed",
    "Heap.Churns": "passed",
    "Heap.ChurnsInThreads": "passed",
    "Heap.Idle": "passed",
    "Heap.Leaks": "passed",
    "Outcome.Fails": "failed",
    "Outcome.Skips": "skipped",
    "ThreadsafeDeathTest.Dies": "passed",
}


def families(page):
    return {family.name: family for family in text_string_to_metric_families(page)}


def values(family):
    return {f"{s.labels['suite']}.{s.labels['test']}": s.value for s in family.samples}


class ListenerCase(unittest.TestCase):
    program = USED

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def start(self, *arguments, **environment):
        program = subprocess.Popen(
            [PROGRAMS / self.program, *arguments],
            cwd=self.folder,
            env=CLEAN_ENV
            | {"ASAN_OPTIONS": "detect_leaks=0"}  # A leak is what we want.
            | {name: str(value) for name, value in environment.items()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.addCleanup(program.__exit__, None, None, None)
        self.addCleanup(program.kill)
        return program

    def run_program(self, *arguments, **environment):
        program = self.start(*arguments, **environment)
        program.out, program.err = program.communicate()
        return program

    def serve(self, *command):
        """Starts a server on any port; returns its URL."""
        log = self.folder / "server.log"
        with log.open("w") as stderr:
            server = subprocess.Popen(command, cwd=self.folder, stderr=stderr)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        listening = wait_for(
            lambda: re.search(r'msg="Listening on" address=(\S+)', log.read_text()),
            "listening " + command[0],
        )
        return "http://" + listening[1]

    def serve_gateway(self):
        return self.serve(
            "prometheus-pushgateway",
            "--web.listen-address=127.0.0.1:0",
            f"--persistence.file={self.folder}/groups",
        )

    def run_with_report(self, *arguments, **environment):
        path = self.folder / "report.json"
        self.run_program(*arguments, **environment, JEMALLOC_EXPORTER_TEST_REPORT=path)
        return json.loads(path.read_text())

    def run_with_textfile(self, *arguments, **environment):
        path = self.folder / "page.prom"
        self.run_program(
            *arguments, **environment, JEMALLOC_EXPORTER_TEST_TEXTFILE=path
        )
        return path.read_text()


def tests_of(report):
    return {test["name"]: test for test in report["entries"]}


def results_of(report):
    return {test["name"]: test["result"] for test in report["entries"]}

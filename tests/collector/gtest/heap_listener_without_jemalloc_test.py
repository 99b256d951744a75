"""The listener in programs without jemalloc, or with one that is unused."""

import json
import unittest
import xml.etree.ElementTree

from listener import (
    HEAP_METRICS,
    METRICS,
    RESULTS,
    UNUSED,
    WITHOUT,
    ListenerCase,
    families,
    results_of,
)


class WithoutJemalloc(ListenerCase):
    program = WITHOUT

    def test_reports_the_results_and_no_heap(self):
        path = self.folder / "report.json"
        program = self.run_program(
            JEMALLOC_EXPORTER_TEST_REPORT=path,
            **{"JEMALLOC_EXPORTER_TEST_TEXTFILE": self.folder / "page.prom"},
        )
        self.assertEqual(program.returncode, 1)
        self.assertEqual(program.err, "")
        report = json.loads(path.read_text())
        self.assertEqual(results_of(report), RESULTS)
        for record in [report["run"], *report["entries"]]:
            self.assertEqual(list(record), ["name", "result", "duration_seconds"])
        self.assertEqual(
            set(families((self.folder / "page.prom").read_text())),
            METRICS - HEAP_METRICS,
        )

    def test_adds_nothing_to_the_report(self):
        self.run_program("--gtest_output=xml:x")
        root = xml.etree.ElementTree.parse(self.folder / "x").getroot()
        self.assertEqual(list(root.iter("property")), [])


class UnusedJemalloc(WithoutJemalloc):
    program = UNUSED


if __name__ == "__main__":
    unittest.main()

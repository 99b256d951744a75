"""The results of the listener: the effect of each test on the heap."""

import json
import re
import unittest
import xml.etree.ElementTree

from heap_fields import HEAP_STATE
from listener import NUMBERS, MIB, RESULTS, USED, ListenerCase, results_of, tests_of
from programs import run


class Run(ListenerCase):
    def test_writes_no_file_by_default(self):
        before = set(self.folder.iterdir())
        program = self.run_program()
        self.assertEqual(program.returncode, 1)
        self.assertEqual(program.err, "")
        self.assertEqual(set(self.folder.iterdir()), before)

    def test_has_every_test_and_its_result(self):
        report = self.run_with_report()
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(report["run"]["name"], USED)
        self.assertEqual(report["run"]["result"], "failed")
        self.assertEqual(report["entries_evicted"], 0)

    def test_passes_when_its_tests_do(self):
        report = self.run_with_report("--gtest_filter=Heap.*")
        self.assertEqual(report["run"]["result"], "passed")

    def test_has_the_bytes_of_each_test(self):
        tests = tests_of(self.run_with_report("--gtest_filter=Heap.*"))

        idle = tests["Heap.Idle"]
        self.assertEqual(idle["heap_growth_bytes"], 0)
        self.assertEqual(idle["allocated_bytes"], idle["freed_bytes"])
        own = idle["allocated_bytes"]  # GoogleTest's, around every test

        leaks = tests["Heap.Leaks"]
        self.assertEqual(leaks["heap_growth_bytes"], MIB)
        self.assertEqual(leaks["allocated_bytes"], MIB + own)
        self.assertEqual(leaks["freed_bytes"], own)

        churns = tests["Heap.Churns"]
        self.assertEqual(churns["heap_growth_bytes"], 0)
        self.assertEqual(churns["allocated_bytes"], 100 * MIB + own)
        self.assertEqual(churns["freed_bytes"], 100 * MIB + own)

        threads = tests["Heap.ChurnsInThreads"]
        self.assertLess(abs(threads["heap_growth_bytes"]), MIB)
        self.assertLess(threads["allocated_bytes"], MIB)

    def test_keeps_the_states_around_each_test(self):
        report = self.run_with_report("--gtest_filter=Heap.*")
        for record in [report["run"], *report["entries"]]:
            for state in record["heap_state"].values():
                self.assertEqual(list(state), HEAP_STATE)
            self.assertEqual(
                record["heap_state"]["after"]["allocated_bytes"]
                - record["heap_state"]["before"]["allocated_bytes"],
                record["heap_growth_bytes"],
            )

    def test_keeps_states_that_are_snapshots_for_diff(self):
        leaks = self.run_with_report("--gtest_filter=Heap.Leaks")["entries"][0]
        for side, state in leaks["heap_state"].items():
            (self.folder / side).write_text(json.dumps(state))
        before = leaks["heap_state"]["before"]["allocated_bytes"]
        status, out, err = run("diff", "before", "after", cwd=self.folder)
        self.assertEqual((status, err), (1, ""))
        self.assertIn(f"allocated_bytes: {before} → {before + MIB}\n", out)

    def test_leaves_reports_for_diff(self):
        for name, tests in {"before": "Heap.Idle", "after": "Heap.Idle:*.Skips"}.items():
            self.run_with_report(f"--gtest_filter={tests}")
            (self.folder / "report.json").rename(self.folder / name)
        status, out, err = run("diff", "before", "after", cwd=self.folder)
        self.assertEqual((status, err), (1, ""))
        self.assertIn("Outcome.Skips result: (unknown) → skipped\n", out)
        self.assertNotIn("Heap.Idle result", out)

    def test_does_not_count_the_listener_s_own_allocations(self):
        # Long names, files and properties are the listener's to pay for.
        tests = tests_of(
            self.run_with_report(
                "--gtest_filter=Many.*:Odd.*",
                FIXTURE_TESTS=300,
                JEMALLOC_EXPORTER_TEST_TEXTFILE=self.folder / "page.prom",
            )
        )
        self.assertEqual(len(tests), 301)
        self.assertEqual({test["heap_growth_bytes"] for test in tests.values()}, {0})

    def test_has_the_last_run_when_repeated(self):
        report = self.run_with_report("--gtest_repeat=3")
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(report["run"]["result"], "failed")
        tests = tests_of(report)
        self.assertEqual(tests["Heap.Leaks"]["heap_growth_bytes"], MIB)
        # GoogleTest's own state is built by now.
        self.assertEqual(tests["FastDeathTest.Dies"]["heap_growth_bytes"], 0)

    def test_is_independent_of_the_order(self):
        report = self.run_with_report("--gtest_shuffle", "--gtest_random_seed=7")
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(tests_of(report)["Heap.Leaks"]["heap_growth_bytes"], MIB)

    def test_has_the_failures_of_expectations(self):
        program = self.run_program(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=Expectation.*FailsFor*",
        )
        self.assertEqual(
            re.findall(r"allocated \d+ bytes .*", program.out),
            [
                "allocated 1048576 bytes and freed 0, 1048576 bytes apart; "
                "tolerated are 1048575.",
                "allocated 0 bytes and freed 1048576, 1048576 bytes apart; "
                "tolerated are 1048575.",
            ],
        )

    def test_accepts_any_name(self):
        tests = tests_of(self.run_with_report("--gtest_filter=Odd.*", FIXTURE_TESTS=0))
        self.assertEqual(list(tests), ['Odd."quoted" back\\slash \ufffd\u00e9 a.b'])

    def test_evicts_those_that_grew_least(self):
        report = self.run_with_report(
            "--gtest_brief=1",
            "--gtest_filter=Heap.Leaks:Many.*",
            FIXTURE_TESTS=10_001,
        )
        self.assertEqual(len(report["entries"]), 10_000)
        self.assertEqual(report["entries_evicted"], 2)
        self.assertIn("Heap.Leaks", tests_of(report))


class GoogleTestReport(ListenerCase):
    def test_has_the_numbers_as_properties_in_xml(self):
        self.run_program("--gtest_filter=Heap.Leaks", "--gtest_output=xml:x")
        root = xml.etree.ElementTree.parse(self.folder / "x").getroot()
        properties = {p.get("name"): p.get("value") for p in root.iter("property")}
        self.assertEqual(list(properties), ["jemalloc_test_" + name for name in NUMBERS])
        self.assertEqual(properties["jemalloc_test_heap_growth_bytes"], str(MIB))

    def test_has_the_numbers_as_properties_in_json(self):
        self.run_program("--gtest_filter=Heap.Leaks", "--gtest_output=json:x")
        report = json.loads((self.folder / "x").read_text())
        test = report["testsuites"][0]["testsuite"][0]
        self.assertEqual(test["jemalloc_test_heap_growth_bytes"], str(MIB))


if __name__ == "__main__":
    unittest.main()

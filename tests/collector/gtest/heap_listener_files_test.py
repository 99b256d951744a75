"""The files of the listener: their paths, their types, and their content."""

import json
import os
import unittest

from listener import RESULTS, USED, ListenerCase, families, results_of, values


class Files(ListenerCase):
    def test_has_one_report_for_each_shard_in_a_folder(self):
        shards = [
            self.start(
                JEMALLOC_EXPORTER_TEST_REPORT=f"{self.out}/",
                JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/",
                GTEST_TOTAL_SHARDS=4,
                GTEST_SHARD_INDEX=index,
            )
            for index in range(4)
        ]
        for shard in shards:
            shard.communicate()
        results = {}
        for path in self.out.glob("*.json"):
            results |= results_of(json.loads(path.read_text()))
        self.assertEqual(results, RESULTS)
        pids = {path.name.split(".")[2] for path in self.out.glob("*.json")}
        self.assertEqual(pids, {str(shard.pid) for shard in shards})

        pages = sorted(self.out.glob("*.prom"))
        self.assertEqual(
            [path.name for path in pages],
            [f"heap_listener_fixture_program_used.{index}.prom" for index in range(4)],
        )
        series = [
            (s.name, tuple(s.labels.items()))
            for page in pages
            for family in families(page.read_text()).values()
            for s in family.samples
        ]
        self.assertEqual(len(series), len(set(series)))

    def test_replaces_the_text_file_of_the_run_before(self):
        for _ in range(2):
            self.run_program(JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/")
        self.assertEqual(
            [path.name for path in self.out.iterdir()],
            ["heap_listener_fixture_program_used.prom"],
        )

    def run_one_by_one(self, *tests, **environment):
        """As CTest does with the tests of gtest_discover_tests."""
        for test in tests:
            self.run_program(
                f"--gtest_filter={test}",
                "--gtest_also_run_disabled_tests",
                **environment,
            )

    def test_has_a_textfile_for_each_process_that_runs_some_of_the_tests(self):
        tests = ["Heap.Idle", "Heap.Leaks", "Few/Numbers.AreTests/0"]
        for _ in range(2):  # The next run of the suite replaces them.
            self.run_one_by_one(
                *tests, JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/"
            )
            pages = sorted(self.out.iterdir())
            program = USED
            self.assertEqual(
                [page.name for page in pages],
                [
                    f"{program}.Few%2FNumbers.AreTests%2F0.prom",
                    f"{program}.Heap.Idle.prom",
                    f"{program}.Heap.Leaks.prom",
                ],
            )
        found, series = set(), []
        for page in pages:
            for family in families(page.read_text()).values():
                series += [(s.name, tuple(s.labels.items())) for s in family.samples]
                if family.name == "jemalloc_test_result":
                    found |= set(values(family))
        self.assertEqual(found, set(tests))
        self.assertEqual(len(series), len(set(series)))

    def test_has_a_textfile_for_a_filter_longer_than_a_name(self):
        for last in ("Heap.Leaks", "Heap.Churns"):
            self.run_one_by_one(
                ":".join(["Heap.Idle"] * 100 + [last]),
                JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/",
            )
        self.assertEqual(len(list(self.out.iterdir())), 2)

    def test_does_not_replace_a_link_to_a_device(self):
        for name in ("REPORT", "TEXTFILE"):
            link = self.folder / name
            link.symlink_to("/dev/null")
            program = self.run_program(
                "--gtest_filter=Heap.*", **{f"JEMALLOC_EXPORTER_TEST_{name}": link}
            )
            self.assertEqual((program.returncode, program.err), (0, ""))
            self.assertTrue(link.is_symlink())
            self.assertTrue(link.is_char_device())

    def test_writes_a_report_into_a_pipe_once(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as reader:
            program = self.run_program(
                "--gtest_filter=Heap.*", JEMALLOC_EXPORTER_TEST_REPORT=fifo
            )
            self.assertEqual((program.returncode, program.err), (0, ""))
            self.assertTrue(fifo.is_fifo())
            report = json.load(reader)  # Fails for more than one document.
        self.assertEqual(report["run"]["result"], "passed")

    def test_leaves_a_killed_run_s_last_report(self):
        path = self.folder / "report.json"
        program = self.run_program(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=Heap.Leaks:*.DISABLED_IsKilled",
            JEMALLOC_EXPORTER_TEST_REPORT=path,
        )
        self.assertEqual(program.returncode, -9)
        report = json.loads(path.read_text())
        self.assertEqual(report["run"]["result"], "running")
        self.assertIn("running", results_of(report).values())

    def test_accepts_the_deprecated_variable_with_a_warning(self):
        path = self.folder / "report.json"
        program = self.run_program(
            "--gtest_filter=*Dies", JEMALLOC_EXPORTER_TEST_SIDECAR=path
        )
        self.assertEqual(
            program.err,
            "jemalloc_exporter: JEMALLOC_EXPORTER_TEST_SIDECAR is deprecated: "
            "use JEMALLOC_EXPORTER_TEST_REPORT\n",
        )
        self.assertEqual(json.loads(path.read_text())["run"]["result"], "passed")

    def test_is_one_line_when_it_cannot_write(self):
        path = self.folder / "missing" / "report.json"
        program = self.run_program(
            "--gtest_filter=Heap.*",
            JEMALLOC_EXPORTER_TEST_REPORT=path,
            JEMALLOC_EXPORTER_TEST_TEXTFILE="/proc/",
        )
        self.assertEqual(program.returncode, 0)
        self.assertEqual(
            program.err,
            (
                f"jemalloc_exporter: cannot write {path}: "
                "No such file or directory\n"
                "jemalloc_exporter: cannot write "
                "/proc/heap_listener_fixture_program_used.Heap.%2A.prom: "
                "No such file or directory\n"
            ),
        )

    def test_writes_nothing_in_a_child(self):
        program = self.run_program(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=*Dies:*.DISABLED_ForksAndGoesOn",
            JEMALLOC_EXPORTER_TEST_REPORT=f"{self.out}/",
            JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/",
        )
        self.assertEqual(program.returncode, 0)
        self.assertRegex(program.out, "(?s)(PASSED.*){2}")  # The child ran to its end.
        self.assertEqual(
            sorted(path.suffix for path in self.out.iterdir()),
            [".json", ".prom"],
        )
        self.assertEqual(
            [path.name.split(".")[2] for path in self.out.glob("*.json")],
            [str(program.pid)],
        )


if __name__ == "__main__":
    unittest.main()

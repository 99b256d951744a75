"""The listener's push to a Pushgateway."""

import socket
import unittest

from listener import (
    METRICS,
    MIB,
    PROGRAMS,
    RESULTS,
    USED,
    ListenerCase,
    families,
    values,
)
from programs import get


class Push(ListenerCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve_gateway()

    def push(self, *arguments, **environment):
        program = self.run_program(
            *arguments,
            **environment,
            JEMALLOC_EXPORTER_TEST_PUSH_URL=self.gateway,
        )
        self.assertEqual(program.err, "")

    def pushed(self):
        return families(get(self.gateway + "/metrics").text)

    def test_is_one_group_with_everything(self):
        self.push()
        pushed = self.pushed()
        self.assertLessEqual(METRICS, set(pushed))
        growth = pushed["jemalloc_test_heap_growth_bytes"]
        self.assertEqual(set(values(growth)), set(RESULTS))
        self.assertEqual(values(growth)["Heap.Leaks"], MIB)
        self.assertEqual(
            {s.labels["job"] for s in growth.samples},
            {USED},
        )

    def test_is_replaced_by_the_next_run(self):
        for tests in (2, 1):
            self.push("--gtest_filter=Many.*", FIXTURE_TESTS=tests)
        self.assertEqual(
            set(values(self.pushed()["jemalloc_test_heap_growth_bytes"])),
            {"Many.0"},
        )

    def test_is_a_group_for_each_process_that_runs_some_of_the_tests(self):
        tests = {"Heap.Idle", "Few/Numbers.AreTests/0"}
        for test in tests:
            self.push(f"--gtest_filter={test}")
        growth = self.pushed()["jemalloc_test_heap_growth_bytes"]
        self.assertEqual(set(values(growth)), tests)
        self.assertEqual({s.labels["filter"] for s in growth.samples}, tests)

    def test_is_a_group_for_each_shard(self):
        for index in range(2):
            self.push(
                "--gtest_filter=Heap.*",
                GTEST_TOTAL_SHARDS=2,
                GTEST_SHARD_INDEX=index,
            )
        growth = self.pushed()["jemalloc_test_heap_growth_bytes"]
        self.assertEqual({s.labels["shard"] for s in growth.samples}, {"0", "1"})
        self.assertEqual(len(growth.samples), 4)

    def test_escapes_the_program_s_name(self):
        odd = self.folder / "a test, 100% odd"
        odd.symlink_to(PROGRAMS / self.program)
        self.program = odd
        self.push("--gtest_filter=Heap.Idle")
        growth = self.pushed()["jemalloc_test_heap_growth_bytes"]
        self.assertEqual(growth.samples[0].labels["job"], odd.name)


class FailingPush(ListenerCase):
    def push_to(self, url):
        program = self.run_program(
            "--gtest_filter=Heap.*",
            JEMALLOC_EXPORTER_TEST_PUSH_URL=url,
            FIXTURE_COUNTS_THREADS=1,
        )
        self.assertEqual(program.returncode, 0)
        self.assertRegex(program.out, "(?m)^threads 1$")
        return program.err

    def test_is_one_line_when_the_connection_is_refused(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{bound.getsockname()[1]}"
            self.assertEqual(
                self.push_to(url),
                f"jemalloc_exporter: cannot push to {url}: "
                "Couldn't connect to server\n",
            )

    def test_is_one_line_without_the_credentials_in_the_url(self):
        self.assertEqual(
            self.push_to("http://user:pass@127.0.0.1:1/a@b"),
            "jemalloc_exporter: cannot push to http://127.0.0.1:1/a@b: "
            "Couldn't connect to server\n",
        )

    def test_is_one_line_when_the_status_is_an_error(self):
        url = self.serve_gateway() + "/nowhere"
        self.assertEqual(
            self.push_to(url),
            f"jemalloc_exporter: cannot push to {url}: HTTP status 404\n",
        )

    def test_is_one_line_when_no_response_comes(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.assertEqual(
                self.push_to(url),
                f"jemalloc_exporter: cannot push to {url}: no response within 5 s\n",
            )


if __name__ == "__main__":
    unittest.main()

"""Runs heap_listener_subject as a user of the listener would, and looks at what
it leaves behind. SUBJECTS is the folder of the subjects: on jemalloc, on an
unused one, and without."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree

from prometheus_client.parser import text_string_to_metric_families

from programs import CLEAN_ENV, get, run, wait_for

SUBJECTS = pathlib.Path(os.environ["SUBJECTS"])
REFEREE = os.environ["OPENMETRICS_VALIDATOR"]
MIB = 1 << 20
BYTES = ["heap_growth_bytes", "allocated_bytes", "freed_bytes"]
HEAP_METRICS = {
    "jemalloc_" + name
    for name in (
        "allocated_bytes",
        "active_bytes",
        "resident_bytes",
        "mapped_bytes",
        "arenas",
    )
} | {"jemalloc_test_" + name for name in BYTES}
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


class Subject(unittest.TestCase):
    program = "heap_listener_subject_used"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"

    def start(self, *arguments, **environment):
        program = subprocess.Popen(
            [SUBJECTS / self.program, *arguments],
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

    def run_subject(self, *arguments, **environment):
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
        self.run_subject(*arguments, **environment, JEMALLOC_EXPORTER_TEST_REPORT=path)
        return json.loads(path.read_text())

    def run_with_textfile(self, *arguments, **environment):
        path = self.folder / "page.prom"
        self.run_subject(
            *arguments, **environment, JEMALLOC_EXPORTER_TEST_TEXTFILE=path
        )
        return path.read_text()


def tests_of(report):
    return {test["name"]: test for test in report["entries"]}


def results_of(report):
    return {test["name"]: test["result"] for test in report["entries"]}


class Run(Subject):
    """Without being asked, and what tests do to the heap."""

    def test_leaves_nothing_unasked(self):
        before = set(self.folder.iterdir())
        program = self.run_subject()
        self.assertEqual(program.returncode, 1)
        self.assertEqual(program.err, "")
        self.assertEqual(set(self.folder.iterdir()), before)

    def test_names_every_test_and_its_result(self):
        report = self.run_with_report()
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(report["run"]["name"], "heap_listener_subject_used")
        self.assertEqual(report["run"]["result"], "failed")
        self.assertEqual(report["entries_evicted"], 0)

    def test_passes_when_its_tests_do(self):
        report = self.run_with_report("--gtest_filter=Heap.*")
        self.assertEqual(report["run"]["result"], "passed")

    def test_charges_each_test_with_what_it_did(self):
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
                self.assertEqual(
                    list(state),
                    [
                        "allocated_bytes",
                        "active_bytes",
                        "resident_bytes",
                        "mapped_bytes",
                        "narenas",
                    ],
                )
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

    def test_charges_no_test_with_another_s_record(self):
        # Long names, files and properties are the listener's to pay for.
        tests = tests_of(
            self.run_with_report(
                "--gtest_filter=Many.*:Odd.*",
                SUBJECT_TESTS=300,
                JEMALLOC_EXPORTER_TEST_TEXTFILE=self.folder / "page.prom",
            )
        )
        self.assertEqual(len(tests), 301)
        self.assertEqual({test["heap_growth_bytes"] for test in tests.values()}, {0})

    def test_tells_of_the_last_run_when_repeated(self):
        report = self.run_with_report("--gtest_repeat=3")
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(report["run"]["result"], "failed")
        tests = tests_of(report)
        self.assertEqual(tests["Heap.Leaks"]["heap_growth_bytes"], MIB)
        # GoogleTest's own state is built by now.
        self.assertEqual(tests["FastDeathTest.Dies"]["heap_growth_bytes"], 0)

    def test_does_not_mind_the_order(self):
        report = self.run_with_report("--gtest_shuffle", "--gtest_random_seed=7")
        self.assertEqual(results_of(report), RESULTS)
        self.assertEqual(tests_of(report)["Heap.Leaks"]["heap_growth_bytes"], MIB)

    def test_finds_what_an_expectation_forbids(self):
        program = self.run_subject(
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

    def test_takes_any_name(self):
        tests = tests_of(self.run_with_report("--gtest_filter=Odd.*", SUBJECT_TESTS=0))
        self.assertEqual(list(tests), ['Odd."quoted" back\\slash \ufffd\u00e9 a.b'])

    def test_forgets_those_that_grew_least(self):
        report = self.run_with_report(
            "--gtest_brief=1",
            "--gtest_filter=Heap.Leaks:Many.*",
            SUBJECT_TESTS=10_001,
        )
        self.assertEqual(len(report["entries"]), 10_000)
        self.assertEqual(report["entries_evicted"], 2)
        self.assertIn("Heap.Leaks", tests_of(report))


class Report(Subject):
    """GoogleTest's own XML and JSON."""

    def test_has_the_numbers_as_properties_in_xml(self):
        self.run_subject("--gtest_filter=Heap.Leaks", "--gtest_output=xml:x")
        root = xml.etree.ElementTree.parse(self.folder / "x").getroot()
        properties = {p.get("name"): p.get("value") for p in root.iter("property")}
        self.assertEqual(list(properties), ["jemalloc_test_" + name for name in BYTES])
        self.assertEqual(properties["jemalloc_test_heap_growth_bytes"], str(MIB))

    def test_has_the_numbers_as_properties_in_json(self):
        self.run_subject("--gtest_filter=Heap.Leaks", "--gtest_output=json:x")
        report = json.loads((self.folder / "x").read_text())
        test = report["testsuites"][0]["testsuite"][0]
        self.assertEqual(test["jemalloc_test_heap_growth_bytes"], str(MIB))


class Files(Subject):
    """Where the files go, and when."""

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
            [f"heap_listener_subject_used.{index}.prom" for index in range(4)],
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
            self.run_subject(JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/")
        self.assertEqual(
            [path.name for path in self.out.iterdir()],
            ["heap_listener_subject_used.prom"],
        )

    def run_one_by_one(self, *tests, **environment):
        """As CTest does with the tests of gtest_discover_tests."""
        for test in tests:
            self.run_subject(
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
            program = "heap_listener_subject_used"
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

    def test_leaves_a_link_to_a_device_in_place(self):
        for name in ("REPORT", "TEXTFILE"):
            link = self.folder / name
            link.symlink_to("/dev/null")
            program = self.run_subject(
                "--gtest_filter=Heap.*", **{f"JEMALLOC_EXPORTER_TEST_{name}": link}
            )
            self.assertEqual((program.returncode, program.err), (0, ""))
            self.assertTrue(link.is_symlink())
            self.assertTrue(link.is_char_device())

    def test_writes_a_report_into_a_pipe_once(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as reader:
            program = self.run_subject(
                "--gtest_filter=Heap.*", JEMALLOC_EXPORTER_TEST_REPORT=fifo
            )
            self.assertEqual((program.returncode, program.err), (0, ""))
            self.assertTrue(fifo.is_fifo())
            report = json.load(reader)  # Fails for more than one document.
        self.assertEqual(report["run"]["result"], "passed")

    def test_leaves_a_killed_run_s_last_report(self):
        path = self.folder / "report.json"
        program = self.run_subject(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=Heap.Leaks:*.DISABLED_IsKilled",
            JEMALLOC_EXPORTER_TEST_REPORT=path,
        )
        self.assertEqual(program.returncode, -9)
        report = json.loads(path.read_text())
        self.assertEqual(report["run"]["result"], "running")
        self.assertIn("running", results_of(report).values())

    def test_takes_the_deprecated_variable_of_the_report_with_a_warning(self):
        path = self.folder / "report.json"
        program = self.run_subject(
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
        program = self.run_subject(
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
                "/proc/heap_listener_subject_used.Heap.%2A.prom: "
                "No such file or directory\n"
            ),
        )

    def test_writes_nothing_in_a_child(self):
        program = self.run_subject(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=*Dies:*.DISABLED_ForksAndGoesOn",
            JEMALLOC_EXPORTER_TEST_REPORT=f"{self.out}/",
            JEMALLOC_EXPORTER_TEST_TEXTFILE=f"{self.out}/",
        )
        self.assertEqual(program.returncode, 0)
        self.assertRegex(program.out, "(?s)(PASSED.*){2}")  # it did go on
        self.assertEqual(
            sorted(path.suffix for path in self.out.iterdir()),
            [".json", ".prom"],
        )
        self.assertEqual(
            [path.name.split(".")[2] for path in self.out.glob("*.json")],
            [str(program.pid)],
        )


class WithoutJemalloc(Subject):
    """The same tests and results, and no word of a heap."""

    program = "heap_listener_subject_without"

    def test_reports_the_results_and_no_heap(self):
        path = self.folder / "report.json"
        program = self.run_subject(
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
        self.run_subject("--gtest_output=xml:x")
        root = xml.etree.ElementTree.parse(self.folder / "x").getroot()
        self.assertEqual(list(root.iter("property")), [])


class UnusedJemalloc(WithoutJemalloc):
    program = "heap_listener_subject_unused"


class Metrics(Subject):
    """What Prometheus and its friends make of it."""

    def test_please_promtool(self):
        page = self.run_with_textfile("--gtest_filter=*.*", SUBJECT_TESTS=1)
        self.assertEqual(set(families(page)), METRICS)
        lint = subprocess.run(
            ["promtool", "check", "metrics"],
            input=page,
            capture_output=True,
            text=True,
        )
        self.assertEqual((lint.returncode, lint.stdout, lint.stderr), (0, "", ""))
        self.assertEqual(
            values(families(page)["jemalloc_test_heap_growth_bytes"])["Heap.Leaks"],
            MIB,
        )

    def serve_subject(self, way):
        """A program that waits in its last test; returns it and where it
        serves."""
        program = self.start(
            "--gtest_also_run_disabled_tests",
            "--gtest_filter=Heap.*:*.DISABLED_WaitsForStdin",
            SUBJECT_SERVES=way,
        )
        return program, "127.0.0.1:" + program.stdout.readline().split()[1]

    def test_please_the_strict_parser_while_tests_run(self):
        program, address = self.serve_subject("by Server")

        def page():
            reply = get(
                f"http://{address}/metrics", accept="application/openmetrics-text"
            )
            return "DISABLED_WaitsForStdin" in reply.text and reply

        reply = wait_for(page, "last test")
        self.assertRegex(reply.headers["Content-Type"], r"\Aapplication/openmetrics-text")
        self.assertIn(
            f'jemalloc_test_heap_growth_bytes{{suite="Heap",test="Leaks"}} {MIB}\n',
            reply.text,
        )
        file = self.folder / "page"
        file.write_bytes(reply.body)
        referee = subprocess.run([REFEREE, file], capture_output=True, text=True)
        self.assertEqual((referee.returncode, referee.stderr), (0, ""))
        program.communicate("\n")
        self.assertEqual(program.returncode, 0)

    def test_are_scraped_by_prometheus_while_tests_run(self):
        served = [self.serve_subject(way) for way in ("by Exposer", "by Server")]
        config = self.folder / "prometheus.yml"
        config.write_text(
            json.dumps(
                {
                    "global": {
                        "scrape_interval": "100ms",
                        "scrape_timeout": "100ms",
                    },
                    "scrape_configs": [
                        {
                            "job_name": "tests",
                            "static_configs": [{"targets": [a for _, a in served]}],
                        }
                    ],
                }
            )
        )
        server = self.serve(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder}/tsdb",
            "--web.listen-address=127.0.0.1:0",
        )
        query = "/api/v1/query?" + urllib.parse.urlencode(
            {
                "query": 'jemalloc_test_result{result="running"} and on(instance) '
                'jemalloc_test_heap_growth_bytes{test="Leaks"} == 1048576'
            }
        )

        def answer():
            reply = get(server + query)  # 503 until it is ready.
            found = reply.status == 200 and json.loads(reply.body)["data"]["result"]
            return found and len(found) == len(served) and found

        found = wait_for(answer, "scrapes of the running tests")
        self.assertEqual(
            {series["metric"]["test"] for series in found}, {"DISABLED_WaitsForStdin"}
        )
        for program, _ in served:
            program.communicate("\n")
            self.assertEqual(program.returncode, 0)


class Push(Subject):
    """What a Pushgateway gets."""

    def setUp(self):
        super().setUp()
        self.gateway = self.serve_gateway()

    def push(self, *arguments, **environment):
        program = self.run_subject(
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
            {"heap_listener_subject_used"},
        )

    def test_is_replaced_by_the_next_run(self):
        for tests in (2, 1):
            self.push("--gtest_filter=Many.*", SUBJECT_TESTS=tests)
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
        odd.symlink_to(SUBJECTS / self.program)
        self.program = odd
        self.push("--gtest_filter=Heap.Idle")
        growth = self.pushed()["jemalloc_test_heap_growth_bytes"]
        self.assertEqual(growth.samples[0].labels["job"], odd.name)


class FailingPush(Subject):
    def push_to(self, url):
        program = self.run_subject(
            "--gtest_filter=Heap.*",
            JEMALLOC_EXPORTER_TEST_PUSH_URL=url,
            SUBJECT_COUNTS_THREADS=1,
        )
        self.assertEqual(program.returncode, 0)
        self.assertRegex(program.out, "(?m)^threads 1$")
        return program.err

    def test_is_one_line_when_nobody_listens(self):
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
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

    def test_is_one_line_when_it_is_refused(self):
        url = self.serve_gateway() + "/nowhere"
        self.assertEqual(
            self.push_to(url),
            f"jemalloc_exporter: cannot push to {url}: HTTP status 404\n",
        )

    def test_is_one_line_when_no_answer_comes(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            self.assertEqual(
                self.push_to(url),
                f"jemalloc_exporter: cannot push to {url}: no response within 5 s\n",
            )


if __name__ == "__main__":
    unittest.main()

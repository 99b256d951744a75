"""exec --report: what each process of a command had on its heap at its end."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

from golden import assert_golden
from programs import (
    CLEAN_ENV,
    EXPORTER,
    FREE_PORT,
    run,
    run_exec,
    temporary_folder,
    wait_for,
)
from redis import Redis

HOSTS = os.environ["AGENT_HOSTS"]
MIB = 1 << 20


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def has_memory(pid):
    """False for a zombie and for a process that does not exist."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return file.read().split()[0] != "0"
    except OSError:
        return False


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(temporary_folder(self))
        self.path = self.folder / "report.json"

    def until_reported(self, count):
        """A command of the shell: waits, for at most 30 s, until the interim
        report has so many records."""
        records = f"cat {self.path} 2>/dev/null | grep -c '^{{\"name\"'"
        return (
            f"i=0; until [ $({records}) -ge {count} ] || [ $((i+=1)) -gt 600 ];"
            " do sleep 0.05; done"
        )

    def host_until_reported(self, host="agent_host", count=1):
        """A line of shell: a program that ends when the interim report has so
        many records."""
        until = self.until_reported(count)
        return f"{{ {until}; }} | {HOSTS}/{host} wait >/dev/null\n"

    def run_with_report(self, *command, path=None):
        return run_exec(*command, options=("--report", path or self.path))

    def run_shell(self, script):
        status, _, err = self.run_with_report("sh", "-c", script)
        self.assertEqual((status, err), (0, ""))
        return json.loads(self.path.read_text())

    def start(self, *command):
        """Returns exec, which goes on; the command, and what reads stdin, ends
        with the test."""
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, "--report", self.path, "--", *command],
            env=CLEAN_ENV,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.terminate)
        return process

    def wait_for_records(self, count=1, **what):
        """The first report with so many records like this."""

        def found():
            if not self.path.exists():
                return None
            report = json.loads(self.path.read_text())
            records = [test for test in report["entries"] if what.items() <= test.items()]
            return len(records) >= count and report

        return wait_for(found, f"record of {what}")


class Report(Case):
    def test_has_a_record_for_each_process_that_ended(self):
        with_jemalloc = (
            self.host_until_reported(count=1)
            + self.host_until_reported(count=2)
            + self.host_until_reported("agent_host_unused", count=3)
        )
        self.run_shell(f"{{ {with_jemalloc}}} | {HOSTS}/agent_host_plain wait >/dev/null")
        text = re.sub(r"\d+(\.\d+)?([,}])", r"N\2", self.path.read_text())
        assert_golden(self, text, "exec_report.json")

    def test_has_no_record_of_programs_without_jemalloc(self):
        report = self.run_shell(
            f"{{ {self.host_until_reported()}}} | {HOSTS}/agent_host_plain wait >/dev/null"
        )
        self.assertEqual([test["name"] for test in report["entries"]], ["agent_host"])

    def test_has_the_last_snapshot(self):
        redis = Redis()
        self.addCleanup(redis.close)
        process = self.start(*redis.command)
        redis.connect()
        redis.execute("DEBUG", "POPULATE", 10, "key", 4 * MIB)

        def grown():  # Redis refreshes its own figure ten times a second.
            active = int(redis.info("memory")["allocator_active"])
            return active > 40 * MIB and active

        grown = wait_for(grown, "growth of Redis")

        def reported():
            (test,) = self.wait_for_records(name="redis-server")["entries"]
            return test["heap_state"]["after"]["active_bytes"] > 40 * MIB

        wait_for(reported, "interim report of the grown Redis")
        redis.socket.sendall(b"SHUTDOWN\r\n")
        self.assertEqual(process.wait(30), 0)
        report = json.loads(self.path.read_text())
        self.assertEqual(report["run"]["name"], "redis-server")
        self.assertEqual(report["run"]["result"], "passed")
        self.assertGreater(report["run"]["duration_seconds"], 0)
        (test,) = report["entries"]
        after = test["heap_state"]["after"]
        self.assertAlmostEqual(after["active_bytes"] / grown, 1, delta=0.05)
        self.assertEqual(test["heap_growth_bytes"], after["allocated_bytes"])

    def test_has_what_was_killed_for_memory(self):
        process = self.start("sh", "-c", self.host_until_reported() + "kill -9 $$")
        self.assertEqual(process.wait(30), 137)
        report = json.loads(self.path.read_text())
        self.assertEqual(report["run"]["result"], "failed")
        self.assertEqual([test["name"] for test in report["entries"]], ["agent_host"])

    def test_has_all_of_many_at_the_same_time(self):
        host = f"{HOSTS}/agent_host wait <&3 >/dev/null &"
        process = self.start(
            "sh", "-c", f"exec 3<&0; for i in $(seq 40); do {host} done; wait"
        )
        self.wait_for_records(40, result="running")
        process.stdin.close()
        self.assertEqual(process.wait(30), 0)
        tests = json.loads(self.path.read_text())["entries"]
        self.assertEqual([test["result"] for test in tests], 40 * ["ended"])

    def test_marks_a_process_that_outlives_the_command_as_running(self):
        status, out, _ = self.run_with_report(
            "sh",
            "-c",
            f"{HOSTS}/agent_host close-all 2>/dev/null >/dev/null & echo $!; "
            + self.until_reported(1),
        )
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual(status, 0)
        (test,) = json.loads(self.path.read_text())["entries"]
        self.assertEqual((test["name"], test["result"]), ("agent_host", "running"))

    def test_marks_a_zombie_as_ended(self):
        process = self.start(
            "sh", "-c",
            f"{HOSTS}/agent_host close-all >/dev/null & echo $! >&2; exec cat"
        )
        pid = int(process.stderr.readline())
        self.wait_for_records(name="agent_host", result="running")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not has_memory(pid), "end of the host")
        process.stdin.close()
        self.assertEqual(process.wait(30), 0)
        report = json.loads(self.path.read_text())
        self.assertEqual([test["result"] for test in report["entries"]], ["ended"])

    def test_is_what_diff_takes(self):
        self.run_shell(self.host_until_reported())
        one = self.path
        self.path = self.folder / "two.json"
        self.run_shell(self.host_until_reported() + self.host_until_reported(count=2))
        self.assertEqual(run("diff", one, one), (0, "", ""))
        status, out, err = run("diff", one, self.path)
        self.assertEqual((status, err), (1, ""))
        self.assertRegex(out, r"(?m)\Aagent_host result: \(unknown\) → ended$")
        self.assertRegex(out, r"(?m)^agent_host heap_growth_bytes: \(unknown\) → \d+$")

    def test_omits_and_does_not_query_processes_of_other_commands(self):
        # The test itself, as one that would be heard of.
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(f"\0jemalloc_exporter/{os.getpid()}")
            other.listen()
            other.setblocking(False)
            report = self.run_shell(self.host_until_reported())
            self.assertEqual([test["name"] for test in report["entries"]], ["agent_host"])
            with self.assertRaises(BlockingIOError):
                other.accept()

    def test_of_the_environment_is_the_same(self):
        status, _, err = run(
            "exec", FREE_PORT, "--", "true",
            env={"JEMALLOC_EXPORTER_REPORT": str(self.path)},
        )
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(json.loads(self.path.read_text())["run"]["name"], "true")


class Interim(Case):
    """A run that is killed with everything in it leaves its last report."""

    def test_is_there_from_the_start(self):
        self.path.write_text("of the run before")
        self.start("cat")
        wait_for(lambda: "before" not in self.path.read_text(), "report")
        self.assertEqual(
            json.loads(self.path.read_text()),
            {
                "run": {"name": "cat", "result": "running"},
                "entries_evicted": 0,
                "entries": [],
            },
        )

    def test_has_those_that_run_and_those_that_ended(self):
        host = f"{HOSTS}/agent_host wait >/dev/null"
        self.start("sh", "-c", self.host_until_reported() + host)
        self.wait_for_records(name="agent_host", result="ended")
        report = self.wait_for_records(name="agent_host", result="running")
        self.assertEqual(report["run"], {"name": "sh", "result": "running"})
        for test in report["entries"]:
            self.assertIn("allocated_bytes", test["heap_state"]["after"])


class Trouble(Case):
    def test_with_the_file_is_one_line_and_leaves_the_command_alone(self):
        path = self.folder / "missing" / "report.json"
        self.assertEqual(
            self.run_with_report("sh", "-c", "echo out; exit 7", path=path),
            (
                7,
                "out\n",
                f"jemalloc_exporter: cannot write {path}: No such file or directory\n",
            ),
        )

    def test_with_the_command_makes_a_failed_run_and_keeps_its_status(self):
        self.assertEqual(self.run_with_report("sh", "-c", "exit 7"), (7, "", ""))
        report = json.loads(self.path.read_text())
        self.assertEqual(report["run"]["result"], "failed")

    def test_with_the_port_leaves_the_report_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            status, _, _ = run(
                "exec", f"--web.listen-address={address}", "--report", self.path,
                "--", "sh", "-c", self.host_until_reported(),
            )
        self.assertEqual(status, 0)
        self.assertEqual(len(json.loads(self.path.read_text())["entries"]), 1)

    def test_with_a_silent_process_leaves_the_others_alone(self):
        report = self.run_shell(
            f"{HOSTS}/agent_host close-all >/dev/null &\n"
            + self.until_reported(1)
            + "; kill -STOP $!\n"
            + self.host_until_reported(count=2)
            + "kill -9 $!"
        )
        self.assertEqual(len(report["entries"]), 2)
        for test in report["entries"]:
            self.assertIn("allocated_bytes", test["heap_state"]["after"])

    def test_report_survives_exec_being_killed(self):
        process = self.start("sh", "-c", self.host_until_reported() + "cat")
        self.wait_for_records(name="agent_host", result="ended")
        (writer,) = [
            pid for pid in children(process.pid) if os.getpgid(pid) == pid
        ]
        process.kill()
        process.wait()
        wait_for(lambda: not has_memory(writer), "end of the writer")
        report = json.loads(self.path.read_text())
        self.assertEqual(report["run"]["result"], "running")
        self.assertEqual([test["result"] for test in report["entries"]], ["ended"])

    def test_with_a_signal_to_all_processes_leaves_the_report_alone(self):
        process = self.start("sh", "-c", self.host_until_reported() + "cat")
        self.wait_for_records(name="agent_host", result="ended")
        for pid in children(process.pid):  # As a service manager does.
            os.kill(pid, signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        report = json.loads(self.path.read_text())
        self.assertEqual(report["run"]["result"], "failed")
        self.assertEqual([test["name"] for test in report["entries"]], ["agent_host"])


if __name__ == "__main__":
    unittest.main()

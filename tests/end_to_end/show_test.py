"""The command `show`."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agents import resting
from heap_fields import HEAP_STATE, STATISTICS
from programs import CLEAN_ENV, EXPORTER, Exporter, run, wait_for

BYTES = r"\d+(?:\.\d)? (?:B|KiB|MiB|GiB)"


class Process(unittest.TestCase):
    """A sleeping Python with jemalloc."""

    @classmethod
    def setUpClass(cls):
        cls.exporter = Exporter(
            "exec",
            "--with-jemalloc",
            "--log.level=info",
            command=["/usr/bin/python3", "-c", "import time; time.sleep(600)"],
        )
        cls.addClassCleanup(cls.exporter.__exit__)
        cls.pid = str(cls.exporter.process.pid)
        wait_for(lambda: run("show", "--pid", cls.pid)[0] == 0, "process")

    def show(self, *options):
        status, out, err = run("show", *options)
        self.assertEqual((status, err), (0, ""))
        return out

    def test_shows_a_table_with_a_line_for_the_process(self):
        heading, *lines = self.show().splitlines()
        self.assertRegex(
            heading,
            r"\APID +COMM +ALLOCATED +ACTIVE +RESIDENT +MAPPED +RSS +ARENAS\Z",
        )
        (line,) = [line for line in lines if line.split()[0] == self.pid]
        self.assertRegex(line, rf"\A{self.pid} +python3 +(?:{BYTES} +){{5}}\d+\Z")
        self.assertEqual(len(line), len(heading))
        self.assertLessEqual(len(line), 80)

    def test_shows_the_heap_state_of_one_process(self):
        self.assertRegex(
            self.show("--pid", self.pid),
            r"\A"
            + "".join(rf"{name}: \d+\n" for name in HEAP_STATE)
            + r"\n"
            + "".join(rf"{name}: \d+\n" for name in STATISTICS)
            + r"options: version=5\.\S+( \w+=\S+)+\n\Z",
        )

    def test_shows_json_that_diff_accepts(self):
        out = self.show("--pid", self.pid, "--format=json")
        self.assertEqual(
            list(json.loads(out)),
            [*HEAP_STATE, "statistics", "options"],
        )
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(out)
            file.flush()
            self.assertEqual(run("diff", file.name, file.name), (0, "", ""))

    def test_diff_compares_statistics_that_both_have(self):
        before = json.loads(self.show("--pid", self.pid, "--format=json"))
        after = json.loads(json.dumps(before))
        after["statistics"]["threads"] += 1
        del after["statistics"]["lock_waits"]
        after["statistics"]["refresh_nanoseconds"] += 1
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, name) for name in ("before", "after")]
            for name, snapshot in zip(names, (before, after)):
                with open(name, "w", encoding="utf-8") as file:
                    json.dump(snapshot, file)
            threads = before["statistics"]["threads"]
            self.assertEqual(
                run("diff", *names), (1, f"threads: {threads} → {threads + 1}\n", "")
            )

    def test_shows_all_processes_as_json(self):
        (mine,) = [
            process
            for process in json.loads(self.show("--format=json"))
            if process["pid"] == int(self.pid)
        ]
        self.assertEqual((mine["comm"], mine["state"]), ("python3", "used"))
        self.assertGreater(mine["heap_state"]["allocated_bytes"], 100_000)

    def test_shows_openmetrics(self):
        page = self.show("--pid", self.pid, "--format=openmetrics")
        families = {f.name: f for f in text_string_to_metric_families(page)}
        (sample,) = families["jemalloc_allocated_bytes"].samples
        self.assertEqual(sample.labels, {"comm": "python3", "pid": self.pid})
        small, large = families["jemalloc_allocations"].samples
        self.assertEqual((small.labels["class"], large.labels["class"]), ("small", "large"))
        (sample,) = families["jemalloc_options_info"].samples
        self.assertEqual(sample.labels["tcache"], "true")

    def test_watch_shows_the_change_since_the_previous_poll(self):
        watch = subprocess.Popen(
            [EXPORTER, "show", "--pid", self.pid, "--watch", "0.1"],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            text=True,
        )
        with watch:
            for _ in range(3):
                self.assertIn("CHANGE", watch.stdout.readline())
                self.assertRegex(
                    watch.stdout.readline(),
                    rf"\A{self.pid} +python3 +{BYTES} +[+-]{BYTES} ",
                )
            watch.send_signal(signal.SIGINT)

    def test_watch_fits_the_terminal(self):
        watch, terminal = pty.fork()
        if watch == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", 24, 50, 0, 0))
            os.execve(EXPORTER, [EXPORTER, "show", "--watch", "0.1"], CLEAN_ENV)
        try:
            text = b""
            while text.count(b"\x1b[2J") < 2:
                text += os.read(terminal, 1000)
        finally:
            os.kill(watch, signal.SIGKILL)
            os.waitpid(watch, 0)
            os.close(terminal)
        screen = text.decode().split("\x1b[H\x1b[2J")[1]
        self.assertIn(f"\n{self.pid} ", screen)
        self.assertLessEqual(max(len(line) for line in screen.splitlines()), 50)

    def test_reports_a_stopped_process(self):
        stopped = Exporter(
            "exec",
            "--with-jemalloc",
            "--log.level=info",
            command=["/usr/bin/python3", "-c", "import time; time.sleep(600)"],
        )
        self.addCleanup(stopped.__exit__)
        pid = str(stopped.process.pid)
        wait_for(lambda: run("show", "--pid", pid)[0] == 0, "process")
        os.kill(int(pid), signal.SIGSTOP)
        self.assertEqual(
            run("show", "--pid", pid),
            (1, "", f"jemalloc_exporter: process {pid} does not respond\n"),
        )
        self.assertRegex(
            run("show")[1], rf"(?m)^{pid} +python3 +does not respond$"
        )
        os.kill(int(pid), signal.SIGCONT)


class NoResult(unittest.TestCase):
    def test_reports_a_process_without_the_agent(self):
        self.assertEqual(
            run("show", "--pid", str(os.getpid())),
            (
                1,
                "",
                f"jemalloc_exporter: process {os.getpid()} does not carry the "
                "agent, or has no jemalloc; start it with: jemalloc_exporter exec "
                "-- COMMAND; or load it now: jemalloc_exporter attach "
                f"{os.getpid()}; or read it once with --ptrace, which stops one of "
                "its threads for about 1 ms\n",
            ),
        )

    def test_reports_a_stripped_jemalloc(self):
        with resting(program="agent_host_rjem_stripped", env=CLEAN_ENV) as host:
            self.assertEqual(
                run("show", "--pid", str(host.pid)),
                (
                    1,
                    "",
                    f"jemalloc_exporter: process {host.pid}: jemalloc 5.3.0 is present, but its "
                    "symbols are stripped: link the program without strip\n",
                ),
            )

    def test_reports_a_process_that_does_not_exist(self):
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        self.assertEqual(
            run("show", "--pid", str(gone.pid)),
            (1, "", f"jemalloc_exporter: there is no process {gone.pid}\n"),
        )


if __name__ == "__main__":
    unittest.main()

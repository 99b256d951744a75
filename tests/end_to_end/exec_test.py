"""exec: the command runs as without exec."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from programs import EXPORTER, FREE_PORT, run_exec
from support import CLEAN_ENV, DEADLINE

PYTHON = "/usr/bin/python3"
HOSTS = os.environ["AGENT_HOSTS"]


class Command(unittest.TestCase):
    def test_has_its_own_output(self):
        self.assertEqual(
            run_exec("sh", "-c", "echo out; echo err >&2"), (0, "out\n", "err\n")
        )

    def test_has_its_own_input(self):
        done = subprocess.run(
            [EXPORTER, "exec", FREE_PORT, "--", "cat"],
            input=b"in\0put",
            capture_output=True,
            check=True,
        )
        self.assertEqual((done.stdout, done.stderr), (b"in\0put", b""))

    def test_keeps_its_options(self):
        self.assertEqual(
            run_exec("printf", "%s,", "--help", "--", "-x"),
            (0, "--help,--,-x,", ""),
        )

    def test_keeps_its_exit_status(self):
        self.assertEqual(run_exec("sh", "-c", "exit 7"), (7, "", ""))

    def test_ends_by_the_signal_that_terminated_it(self):
        self.assertEqual(
            run_exec("sh", "-c", "kill -9 $$")[0], -signal.SIGKILL
        )

    def test_that_is_not_found_is_127(self):
        self.assertEqual(
            run_exec("nothing-of-that-name"),
            (
                127,
                "",
                "jemalloc_exporter: cannot start nothing-of-that-name: "
                "No such file or directory\n",
            ),
        )

    def test_that_cannot_be_started_is_126(self):
        self.assertEqual(
            run_exec("/etc/passwd"),
            (
                126,
                "",
                "jemalloc_exporter: cannot start /etc/passwd: Permission denied\n",
            ),
        )

    def test_is_sent_the_signals(self):
        script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, "--", "sh", "-c", script],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.read(), "caught\n")
        self.assertEqual(process.returncode, 3)

    def test_is_waited_for_where_the_end_of_children_is_ignored(self):
        done = subprocess.run(
            [
                "sh", "-c", 'trap "" CHLD; exec "$@"', "sh",
                EXPORTER, "exec", FREE_PORT, "--", "sh", "-c", "exit 7",
            ],
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 7)

    def test_is_the_process_that_was_started(self):
        process = subprocess.Popen(
            [EXPORTER, "exec", FREE_PORT, "--", "sh", "-c", "echo $$ $PPID"],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            out = process.stdout.read()
        self.assertEqual(out, f"{process.pid} {os.getpid()}\n")

    def test_has_no_child_and_no_pending_signal_at_its_start(self):
        script = (
            "import os, signal\n"
            "print(signal.sigpending())\n"
            "try: os.waitpid(-1, 0)\n"
            "except ChildProcessError: print('no child')\n"
        )
        done = subprocess.run(
            [EXPORTER, "exec", FREE_PORT, "--", PYTHON, "-c", script],
            env=CLEAN_ENV,
            stdout=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=True,
            preexec_fn=lambda: signal.pthread_sigmask(
                signal.SIG_BLOCK, [signal.SIGCHLD]
            ),
        )
        self.assertEqual(done.stdout, "set()\nno child\n")

    def test_has_closed_streams_where_they_were_closed(self):
        script = (
            "import os\n"
            "for fd in range(3):\n"
            "    try: os.fstat(fd); os.write(2, b'%d ' % fd)\n"
            "    except OSError: pass\n"
        )
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" <&- >&-', "sh", EXPORTER, "exec", FREE_PORT,
             "--", PYTHON, "-c", script],
            env=CLEAN_ENV,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        self.assertEqual(done.stderr, "2 ")

    def test_starts_with_the_signals_as_they_were(self):
        def signals(*command):
            out = subprocess.run(
                [*command, "cat", "/proc/self/status"],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
            return re.findall(r"Sig(?:Blk|Ign|Cgt):.*", out)

        self.assertEqual(signals(EXPORTER, "exec", FREE_PORT, "--"), signals())


class Report(unittest.TestCase):
    def test_is_complete_when_exec_returns(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/report.json"
            for _ in range(5):
                run_exec("true", options=[f"--report={path}"])
                with open(path) as file:
                    self.assertEqual(json.load(file)["run"]["result"], "passed")
                os.unlink(path)

    def test_has_processes_that_left_their_parent(self):
        """Nothing but the mark shows that they belong to the command."""
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/report.json"
            status, out, _ = run_exec(
                "sh", "-c",
                f"(setsid {HOSTS}/agent_host close-all >/dev/null 2>&1 & echo $!);"
                " sleep 0.5",
                options=[f"--report={path}"],
            )
            os.kill(int(out), signal.SIGKILL)
            self.assertEqual(status, 0)
            with open(path) as file:
                (test,) = json.load(file)["entries"]
            self.assertEqual((test["name"], test["result"]), ("agent_host", "running"))


class AgentOptions(unittest.TestCase):
    """Are the agent's environment variables in the command."""

    def variables(self, *options, env=None):
        status, out, err = run_exec("env", options=options, env=env)
        self.assertEqual((status, err), (0, ""))
        return re.findall(r"(?m)^JEMALLOC_EXPORTER_AGENT(.*)$", out)

    def test_are_not_set_by_default(self):
        self.assertEqual(self.variables(), [])

    def test_exclude_all_forked_children_and_programs(self):
        self.assertEqual(
            sorted(
                self.variables(
                    "--agent=off", "--agent.fork=off", "--agent.exclude=a,b"
                )
            ),
            ["=off", "_EXCLUDE=a,b", "_FORK=off"],
        )

    def test_exclude_further_programs(self):
        variable = "JEMALLOC_EXPORTER_AGENT_EXCLUDE"
        self.assertEqual(
            self.variables("--agent.exclude=b", env={variable: "a"}),
            ["_EXCLUDE=a,b"],
        )
        self.assertEqual(self.variables(env={variable: "a"}), ["_EXCLUDE=a"])


# What GCC's -fsanitize=address makes; Clang links it statically.
SANITIZED = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char** argv) {
  char* block = malloc(8);
  puts("out");
  fflush(stdout);
  if (argc > 1) block[8 * argc] = 1;
  free(block);
  return 3;
}
"""


@unittest.skipUnless(shutil.which("gcc"), "needs gcc")
class SharedAddressSanitizer(unittest.TestCase):
    def test_starts_and_finds_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            done = subprocess.run(
                ["gcc", "-fsanitize=address", "-x", "c", "-", "-o", program],
                input=SANITIZED.encode(),
                check=False,
            )
            if done.returncode != 0:
                self.skipTest("gcc has no AddressSanitizer")
            self.assertEqual(run_exec(program), (3, "out\n", ""))
            status, out, err = run_exec(program, "x", env={"ASAN_OPTIONS": "exitcode=7"})
            self.assertEqual((status, out), (7, "out\n"))
            self.assertIn("heap-buffer-overflow", err)


if __name__ == "__main__":
    unittest.main()

"""exec: the command runs as without exec, and its processes are served."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from programs import EXPORTER, Exporter, get, run
from support import CLEAN_ENV, DEADLINE, children, wait_for

PYTHON = "/usr/bin/python3"
HOSTS = os.environ["AGENT_HOSTS"]
AGENT = os.path.join(os.path.dirname(EXPORTER), "libjemalloc_exporter_agent.so")
FREE_PORT = "--web.listen-address=127.0.0.1:0"


def run_command(*command, options=(), **more):
    return run("exec", FREE_PORT, *options, "--", *command, **more)


def processes(url):
    """The pids that are served, but for the exporter's own."""
    page = get(url + "/metrics").text
    return {
        int(pid)
        for comm, pid in re.findall(r'jemalloc_up{comm="(.*)",pid="(\d+)"} 1', page)
        if comm != "jemalloc_export"
    }


def server_pid(url):
    """The pid of the exporter that serves there."""
    page = get(url + "/metrics").text
    return int(re.search(r'jemalloc_up{comm="jemalloc_export",pid="(\d+)"}', page)[1])


class Command(unittest.TestCase):
    def test_has_its_own_output(self):
        self.assertEqual(
            run_command("sh", "-c", "echo out; echo err >&2"), (0, "out\n", "err\n")
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
            run_command("printf", "%s,", "--help", "--", "-x"),
            (0, "--help,--,-x,", ""),
        )

    def test_keeps_its_exit_status(self):
        self.assertEqual(run_command("sh", "-c", "exit 7"), (7, "", ""))

    def test_ends_by_the_signal_that_terminated_it(self):
        self.assertEqual(
            run_command("sh", "-c", "kill -9 $$")[0], -signal.SIGKILL
        )

    def test_that_is_not_found_is_127(self):
        self.assertEqual(
            run_command("nothing-of-that-name"),
            (
                127,
                "",
                "jemalloc_exporter: cannot start nothing-of-that-name: "
                "No such file or directory\n",
            ),
        )

    def test_that_cannot_be_started_is_126(self):
        self.assertEqual(
            run_command("/etc/passwd"),
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
                run_command("true", options=[f"--report={path}"])
                with open(path) as file:
                    self.assertEqual(json.load(file)["run"]["result"], "passed")
                os.unlink(path)

    def test_has_processes_that_left_their_parent(self):
        """Nothing but the mark shows that they belong to the command."""
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/report.json"
            status, out, _ = run_command(
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
        status, out, err = run_command("env", options=options, env=env)
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
            self.assertEqual(run_command(program), (3, "out\n", ""))
            status, out, err = run_command(program, "x", env={"ASAN_OPTIONS": "exitcode=7"})
            self.assertEqual((status, out), (7, "out\n"))
            self.assertIn("heap-buffer-overflow", err)


class FailingExporter(unittest.TestCase):
    def test_on_a_busy_port_leaves_the_command_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            status, out, err = run(
                "exec",
                f"--web.listen-address={address}",
                "--",
                "sh",
                "-c",
                "sleep 1; echo done; exit 5",
            )
        self.assertEqual((status, out), (5, "done\n"))
        self.assertEqual(
            err,
            f"jemalloc_exporter: cannot listen on {address}: "
            "Address already in use\n"
            "jemalloc_exporter: exporter exited; sh continues without metrics\n",
        )

    def test_with_few_descriptors_leaves_the_command_alone(self):
        # 4: none for its pipe. 6: none for the list in /proc/self/fd.
        for number in (4, 5, 6, 8):
            with self.subTest(descriptors=number):
                status, out, _ = run_command(
                    "sh", "-c", "ulimit -n 64; echo done; exit 5",
                    preexec_fn=lambda number=number: resource.setrlimit(
                        resource.RLIMIT_NOFILE, (number, 64)
                    ),
                )
                self.assertEqual((status, out), (5, "done\n"))

    def test_that_is_killed_leaves_the_command_alone(self):
        with Exporter(
            "exec", "--log.level=info", command=["sh", "-c", "read x; exit 5"]
        ) as exporter:
            server = server_pid(exporter.url)
            os.kill(server, signal.SIGKILL)
            wait_for(lambda: not os.path.exists(f"/proc/{server}"), "end")
            self.assertIsNone(exporter.process.poll())
            exporter.process.stdin.close()
            self.assertEqual(exporter.process.wait(DEADLINE), 5)

    def test_without_an_agent_prints_a_line_and_runs_the_command(self):
        status, out, err = run_command(
            "echo", "hello", options=["--agent.path=/nowhere/agent.so"]
        )
        self.assertEqual((status, out), (0, "hello\n"))
        self.assertEqual(
            err,
            "jemalloc_exporter: no agent for echo: /nowhere/agent.so: No such "
            "file or directory; its heap will not be seen\n",
        )

    def test_keeps_no_folder_of_the_command_busy(self):
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "web.yml")
            with open(config, "w", encoding="utf-8") as file:
                file.write("http_server_config:\n  http2: false\n")
            for options, expected in (
                ([], "/"),
                ([f"--web.config.file={config}"], "/"),
                (["--web.config.file=web.yml"], folder),
            ):
                with self.subTest(options=options), Exporter(
                    "exec",
                    "--log.level=info",
                    *options,
                    command=["cat"],
                    program=("env", f"--chdir={folder}", EXPORTER),
                ) as exporter:
                    server = server_pid(exporter.url)
                    self.assertEqual(os.readlink(f"/proc/{server}/cwd"), expected)

    def test_ends_when_the_command_is_killed(self):
        exporter = Exporter("exec", "--log.level=info", command=["sleep", "60"])
        server = server_pid(exporter.url)
        exporter.process.kill()
        exporter.process.communicate()
        wait_for(lambda: not os.path.exists(f"/proc/{server}"), "end")


class Served(unittest.TestCase):
    WAIT = "import sys; sys.stdin.read()"

    def exporter(self, *command):
        exporter = Exporter(
            "exec",
            "--with-jemalloc",
            "--log.level=info",
            command=[PYTHON, "-c", *command],
        )
        self.addCleanup(exporter.__exit__)
        return exporter

    def test_is_a_program_of_another_malloc_given_jemalloc(self):
        exporter = self.exporter("import time; time.sleep(60)")
        command = exporter.process.pid
        wait_for(lambda: processes(exporter.url) == {command}, "process")

    def test_is_a_forked_worker_too(self):
        exporter = self.exporter("import os, time; os.fork(); time.sleep(60)")
        command = exporter.process.pid
        wait_for(lambda: len(processes(exporter.url)) == 2, "two processes")
        (worker,) = children(command)
        self.assertEqual(processes(exporter.url), {command, worker})
        os.kill(worker, signal.SIGKILL)

    def test_is_a_daemon_that_left_its_parent_too(self):
        exporter = self.exporter(
            "import os, time\nif not os.fork(): os.setsid()\n"
            "if os.fork(): time.sleep(60)\ntime.sleep(60)"
        )
        wait_for(lambda: len(processes(exporter.url)) == 4, "four processes")
        for pid in processes(exporter.url) - {exporter.process.pid}:
            os.kill(pid, signal.SIGKILL)

    def test_is_no_process_of_another_command(self):
        mine = self.exporter("import time; time.sleep(60)")
        other = self.exporter("import time; time.sleep(60)")
        wait_for(lambda: processes(other.url), "process")
        wait_for(lambda: processes(mine.url), "process")
        self.assertFalse(processes(mine.url) & processes(other.url))

    def test_ends_with_the_command(self):
        exporter = self.exporter("import time; time.sleep(1)")
        self.assertEqual(exporter.process.wait(10), 0)

        def is_closed():
            try:
                get(exporter.url + "/metrics")
            except OSError:
                return True
            return False

        wait_for(is_closed, "end of the exporter")

    def test_port_can_be_used_by_the_next_exec(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        for _ in range(10):
            self.assertEqual(
                run("exec", f"--web.listen-address=127.0.0.1:{port}", "--",
                    "sleep", "0.05"),
                (0, "", ""),
            )

    def test_connects_to_no_other_agent(self):
        # This process, as an agent would be found.
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(f"\0jemalloc_exporter/{os.getpid()}")
            other.listen()
            other.setblocking(False)
            exporter = self.exporter("import time; time.sleep(60)")
            wait_for(lambda: processes(exporter.url), "process")
            for _ in range(20):
                get(exporter.url + "/metrics")
            with self.assertRaises(BlockingIOError):
                other.accept()


class Hints(unittest.TestCase):
    def test_for_a_static_program(self):
        status, _, err = run_command("/sbin/ldconfig", "--version")
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            "jemalloc_exporter: /sbin/ldconfig is linked statically and takes no "
            "agent; its heap will not be seen\n",
        )

    def test_for_a_stripped_jemalloc(self):
        program = os.path.join(os.environ["AGENT_HOSTS"], "agent_host_rjem_stripped")
        _, _, err = run_command(program, "no-mode")
        self.assertEqual(
            err,
            f"jemalloc_exporter: {program}: jemalloc 5.3.0 is present, but its symbols are "
            "stripped: link the program without strip; its heap will not be seen\n",
        )

    @unittest.skipIf(os.getuid() != 0, "needs root to make a setuid program")
    def test_for_a_setuid_program(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = os.path.join(folder, "true")
            with open("/bin/true", "rb") as file, open(program, "wb") as copy:
                copy.write(file.read())
            os.chown(program, 1, 1)
            os.chmod(program, 0o4755)
            status, _, err = run_command(program)
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            f"jemalloc_exporter: {program} is setuid or setgid and takes no "
            "agent; its heap will not be seen\n",
        )

    @unittest.skipIf(os.getuid() != 0, "needs root to change the user")
    def test_for_an_agent_that_another_user_cannot_read(self):
        with tempfile.TemporaryDirectory() as folder:  # Of mode 0700.
            agent = shutil.copy(AGENT, folder)
            status, _, err = run_command(
                "runuser", "-u", "nobody", "--", "true",
                options=[f"--agent.path={agent}"],
            )
        self.assertEqual(status, 0)
        self.assertEqual(
            err.splitlines()[0],
            f"jemalloc_exporter: {agent} cannot be read by other users; "
            "programs that runuser starts as another user will not be served",
        )

    def test_for_a_daemon(self):
        status, out, err = run_command(
            "sh", "-c",
            f"setsid {HOSTS}/agent_host close-all >/dev/null 2>&1 & echo $!; sleep 0.5",
        )
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            "jemalloc_exporter: sh has exited; 1 process that it started will "
            "not be served: keep daemons in the foreground under exec\n",
        )

    def test_for_a_program_that_jemalloc_may_have_terminated(self):
        status, _, err = run_command(
            "sh", "-c", "kill -ABRT $$", options=["--with-jemalloc"]
        )
        self.assertEqual(status, -signal.SIGABRT)
        self.assertEqual(
            err,
            "jemalloc_exporter: sh was terminated by SIGABRT; --with-jemalloc may "
            "be the reason: it replaces the malloc that the program was built "
            "for\n",
        )

    def test_for_options_of_a_command_without_two_dashes(self):
        self.assertEqual(
            run("exec", FREE_PORT, "ls", "--all"),
            (
                2,
                "",
                "jemalloc_exporter: The following argument was not expected: "
                "--all; write -- before the command: jemalloc_exporter exec -- ls\n",
            ),
        )

    def test_for_sockets_of_systemd(self):
        for args, env in (
            (["--web.systemd-socket"], {}),
            ([], {"JEMALLOC_EXPORTER_WEB_SYSTEMD_SOCKET": "1"}),
        ):
            self.assertEqual(
                run("exec", *args, "--", "true", env=env),
                (
                    2,
                    "",
                    "jemalloc_exporter: --web.systemd-socket cannot be used with "
                    "exec: the sockets belong to the command\n",
                ),
            )

    def test_for_a_program_without_jemalloc(self):
        status, _, err = run_command("sleep", "6")
        self.assertEqual(status, 0)
        self.assertRegex(err, r"\A\S+ level=warn msg=\"No process of the command")
        self.assertIn("--with-jemalloc", err)


if __name__ == "__main__":
    unittest.main()

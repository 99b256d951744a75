"""exec: the command outlives an exporter that fails."""

import os
import re
import resource
import signal
import socket
import tempfile
import unittest

from programs import EXPORTER, Exporter, get, run, run_exec
from support import DEADLINE, wait_for


def server_pid(url):
    """The pid of the exporter that serves there."""
    page = get(url + "/metrics").text
    return int(re.search(r'jemalloc_up{comm="jemalloc_export",pid="(\d+)"}', page)[1])


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
                status, out, _ = run_exec(
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
        status, out, err = run_exec(
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


if __name__ == "__main__":
    unittest.main()

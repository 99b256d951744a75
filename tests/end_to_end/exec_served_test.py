"""exec: the processes of the command are served, and no others."""

import os
import re
import signal
import socket
import unittest

from programs import Exporter, get, run
from support import children, wait_for

PYTHON = "/usr/bin/python3"


def processes(url):
    """The pids that are served, but for the exporter's own."""
    page = get(url + "/metrics").text
    return {
        int(pid)
        for comm, pid in re.findall(r'jemalloc_up{comm="(.*)",pid="(\d+)"} 1', page)
        if comm != "jemalloc_export"
    }


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


if __name__ == "__main__":
    unittest.main()

"""Debian's own programs on jemalloc, unmodified, with the agent. Redis has a
test of its own."""

import os
import shutil
import subprocess
import tempfile
import unittest

from agents import AGENT_ENV, DEADLINE, ask, wait_for


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as pids:
        return [int(child) for child in pids.read().split()]


class Programs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o777)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, *command):
        """The pid of a program that runs until the test ends."""
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        log = open(self.path("log"), "wb")  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, cwd=self.folder, env=AGENT_ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )

        def stop():
            process.terminate()
            try:
                process.wait(DEADLINE)
            finally:
                process.kill()

        self.addCleanup(stop)
        return process.pid

    def assert_answers(self, pid, comm):
        answer = wait_for(lambda: ask(pid))
        self.assertEqual((answer["pid"], answer["comm"], answer["state"]), (pid, comm, "used"))
        self.assertGreater(answer["heap_state"]["allocated_bytes"], 0)

    def test_nghttpd_answers(self):
        pid = self.start("nghttpd", "--no-tls", "--address=127.0.0.1", "0")
        self.assert_answers(pid, "nghttpd")

    def test_named_answers_as_another_user(self):
        conf = self.write(
            "named.conf",
            f'options {{ directory "{self.folder}"; pid-file none; session-keyfile none;'
            "listen-on { none; }; listen-on-v6 { none; }; recursion no; }; controls { };",
        )
        user = ["-u", "bind"] if os.geteuid() == 0 else []
        pid = self.start("named", "-g", *user, "-c", conf)
        self.assert_answers(pid, "named")

    def test_varnishd_and_its_worker_answer(self):
        pid = self.start(
            "varnishd", "-F", "-j", "none", "-n", self.path("v"), "-a", "127.0.0.1:0", "-b", "none"
        )
        self.assert_answers(pid, "varnishd")
        wait_for(lambda: any(ask(child)["comm"] == "cache-main" for child in children(pid)))

    def test_kresd_answers(self):
        conf = self.write("kresd.conf", "cache.size = 1 * MB\n")
        pid = self.start("kresd", "-n", "-c", conf, self.folder)
        self.assert_answers(pid, "kresd")


if __name__ == "__main__":
    unittest.main()

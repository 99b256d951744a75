"""Debian's own programs on jemalloc, unmodified, with an object preloaded."""

import os
import shutil
import subprocess
import tempfile
import unittest

from agents import AGENT_ENV, DEADLINE


class DebianPrograms(unittest.TestCase):
    """Starts programs in a folder; skips the test where one is not installed."""

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

    def start(self, *command, env=AGENT_ENV):
        """The pid of a program that runs until the test ends."""
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        log = open(self.path("log"), "wb")  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            command,
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

        def stop():
            process.terminate()
            try:
                process.wait(DEADLINE)
            finally:
                process.kill()

        self.addCleanup(stop)
        return process.pid

    def named(self):
        """The command of a BIND that listens nowhere."""
        conf = self.write(
            "named.conf",
            f'options {{ directory "{self.folder}"; pid-file none; session-keyfile none;'
            "listen-on { none; }; listen-on-v6 { none; }; recursion no; }; controls { };",
        )
        return ["named", "-g", "-c", conf]

    def varnishd(self, name="v"):
        """The command of a Varnish without backend, in a folder of that name."""
        listen = ["-a", "127.0.0.1:0", "-b", "none"]
        return ["varnishd", "-F", "-j", "none", "-n", self.path(name), *listen]

"""A redis-server on a socket in a folder of its own, and how to talk to it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile

from programs import wait_for


class Redis:
    def __init__(self, save=""):
        self.folder = tempfile.mkdtemp()
        self.path = os.path.join(self.folder, "socket")
        self.command = [
            "redis-server",
            "--port", "0",
            "--unixsocket", self.path,
            "--dir", self.folder,
            "--save", save,
            "--enable-debug-command", "local",
        ]

    def start(self, env, add_cleanup):
        """Runs it until the cleanups of a test."""
        add_cleanup(self.close)
        self.process = subprocess.Popen(
            self.command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        add_cleanup(self.process.wait)
        add_cleanup(self.process.kill)

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        wait_for(self._connected, "redis-server")
        self.replies = self.socket.makefile("rb")

    def _connected(self):
        return self.socket.connect_ex(self.path) == 0

    def execute(self, *words):
        """Sends a command and returns the reply as bytes."""
        parts = [str(word).encode() for word in words]
        self.socket.sendall(
            b"*%d\r\n" % len(parts)
            + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        )
        line = self.replies.readline().rstrip()
        if line.startswith(b"$"):
            return self.replies.read(int(line[1:]) + 2)[:-2]
        if line.startswith(b"-"):
            raise AssertionError(line)
        return line[1:]

    def info(self, section):
        text = self.execute("INFO", section).decode()
        return dict(re.findall(r"(\w+):(\S+)", text))

    def close(self):
        with contextlib.suppress(AttributeError):
            self.replies.close()
            self.socket.close()
        shutil.rmtree(self.folder, ignore_errors=True)

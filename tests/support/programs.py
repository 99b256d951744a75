"""Starts the real programs under test on free ports of loopback, and always stops
them."""

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from support import CLEAN_ENV, DEADLINE, end_with_parent, wait_for  # noqa: F401

EXPORTER = os.environ["JEMALLOC_EXPORTER"]
FREE_PORT = "--web.listen-address=127.0.0.1:0"


def temporary_folder(test):
    """The path of a folder for the time of a test. `exec` may still write the report
    of a command that was killed."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(wait_for, lambda: folder.cleanup() or True, "empty folder")
    return folder.name


def run(*args, env=None, timeout=DEADLINE, **options):
    """Runs the exporter to its end; returns exit status, stdout, stderr."""
    done = subprocess.run(
        [EXPORTER, *args],
        capture_output=True,
        env={**CLEAN_ENV, **(env or {})},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def run_exec(*command, options=(), **more):
    return run("exec", FREE_PORT, *options, "--", *command, **more)


class Exporter:
    """A running exporter, which ends with the test; `url` is where it serves,
    `log` its stderr so far."""

    def __init__(
        self,
        *args,
        env=None,
        address="127.0.0.1:0",
        command=(),
        program=(EXPORTER,),
    ):
        options = [f"--web.listen-address={address}"] if address else []
        behind = ["--", *command] if command else []
        self.process = subprocess.Popen(
            [*program, *args, *options, *behind],
            env={**CLEAN_ENV, **(env or {})},
            stdin=subprocess.PIPE,  # Open, and nothing comes.
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=end_with_parent,
        )
        self.log = ""
        self.port = int(self.await_log(r"msg=Listening address=\S*:(\d+)").group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def await_log(self, pattern):
        """The first match of `pattern` in the log so far; kills the exporter and
        raises AssertionError if no match appears within the deadline."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.log):
                return found
            if select.select([self.process.stderr], [], [], 0.1)[0]:
                text = os.read(self.process.stderr.fileno(), 65536)
                if not text:
                    break
                self.log += text.decode()
        self.process.kill()
        raise AssertionError(f"no {pattern} in the log: {self.log}")

    def read_log(self):
        """Reads what is in the pipe: the exporter waits while it is full."""
        while select.select([self.process.stderr], [], [], 0)[0]:
            text = os.read(self.process.stderr.fileno(), 65536)
            if not text:
                return
            self.log += text.decode()

    def stop(self, signal=15):
        """Returns the exit status."""
        self.process.send_signal(signal)
        try:
            out, err = self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
        self.log += err.decode()
        self.stdout = out.decode()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        for stream in (
            self.process.stdin, self.process.stdout, self.process.stderr
        ):
            stream.close()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()


def get(url, method="GET", **headers):
    """Any status is an answer. accept_encoding= stands for Accept-Encoding."""
    request = urllib.request.Request(
        url,
        method=method,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


@contextlib.contextmanager
def started(command, folder=None):
    """A program in a folder of its own, its output in a file there."""
    folder = folder or tempfile.mkdtemp()
    with open(os.path.join(folder, "output"), "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

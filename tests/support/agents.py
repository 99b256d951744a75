"""Host programs of the agent, and a client of its socket. The exporter is not
involved."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys

from support import (  # noqa: F401
    CLEAN_ENV,
    DEADLINE,
    EMULATED,
    end_with_parent,
    threads,
    wait_for,
)

AGENT = os.environ["AGENT"]
HOSTS = os.environ["AGENT_HOSTS"]
LONG = bool(os.environ.get("JEMALLOC_EXPORTER_LONG_TESTS"))

NOBODY = 65534

AGENT_ENV = {**CLEAN_ENV, "LD_PRELOAD": AGENT}


def address(name):
    return f"\0jemalloc_exporter/{name}"


def query_raw(name, timeout=DEADLINE):
    """All bytes that the agent of this name sends."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address(name))
        client.settimeout(timeout)
        return client.makefile("rb").read()


def query(name, timeout=DEADLINE):
    return json.loads(query_raw(name, timeout))


def receive_as(user, server, client=None):
    """All bytes that the socket named `server` sends to another user."""
    code = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX);"
        f"{f's.bind({client!r});' if client else ''}"
        f"s.connect({server!r});"
        "sys.stdout.buffer.write(s.makefile('rb').read())"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        user=user,
        group=user,
        extra_groups=[],
        capture_output=True,
        check=True,
        timeout=DEADLINE,
    ).stdout


def query_as(user, name):
    return receive_as(user, address(name))


def outcomes(command, *environments):
    """The exit status, output and errors of a command in each environment."""
    for env in environments:
        done = subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        yield done.returncode, done.stdout, done.stderr


def listening(prefix="jemalloc_exporter"):
    """The names of all agents of this network namespace."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        return set(re.findall(rf" 00010000 0001 .* @{prefix}/(\S+)$", table.read(), re.M))


def limits(**values):
    """A preexec_fn: limits(NOFILE=3)."""

    def apply():
        for name, value in values.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return apply


class Host:
    """A running agent_host, with the agent by default. Ends with
    the block, however that ends, and with the test."""

    def __init__(
        self, *mode, program="agent_host", env=None, command=(), preexec_fn=None, **options
    ):
        def prepare():
            end_with_parent()
            if preexec_fn is not None:
                preexec_fn()

        self.process = subprocess.Popen(
            [*command, os.path.join(HOSTS, program), *mode],
            env=AGENT_ENV if env is None else env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            preexec_fn=prepare,
            **options,
        )
        self.pid = self.process.pid

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"stderr of the host: {self.process.stderr.read()}")
        return line.strip()

    def answer(self, text):
        """Writes `text` to its stdin and returns the next line of its stdout."""
        self.process.stdin.write(text)
        self.process.stdin.flush()
        return self.line()

    def await_ready(self):
        line = self.line()
        if line != "ready":
            raise AssertionError(f"output of the host: {line}")
        return self

    def end(self):
        """Waits for its end; returns its exit status, and its output since."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()


def resting(*mode, **options):
    """A host that has printed `ready`."""
    host = Host(*(mode or ("wait",)), **options)
    try:
        return host.await_ready()
    except BaseException:
        host.__exit__()
        raise

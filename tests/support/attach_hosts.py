"""Programs that are read or attached to while they wait."""

import contextlib
import os
import re
import unittest

from agents import HOSTS, Host
from programs import run
from support import CLEAN_ENV

STOPPED = re.compile(r"stopped thread \d+ for (\d+\.\d\d) ms")


def host(program, *mode, **options):
    """A started host without the agent that has printed `ready`."""
    started = Host(*mode, program=program, env=CLEAN_ENV, **options)
    try:
        return started.await_ready()
    except BaseException:
        started.__exit__()
        raise


def result(text):
    """The numbers in the last line of a host: {"eintr": "0", ...}."""
    words = text.split()
    return dict(zip(words[::2], words[1::2]))


def stop(started):
    """Ends a host by a byte; returns its result."""
    numbers = result(started.answer("\n"))
    status, _, err = started.end()
    assert (status, err) == (0, ""), (status, err)
    return numbers


def require_ptrace():
    """Ends the test program as skipped where ptrace(2) is not permitted."""
    with host("attach_host") as started:
        out, err = run("show", "--pid", str(started.pid), "--ptrace")[1:]
    if "not permitted" in err or "not allowed" in err:
        if os.environ.get("CI"):
            raise AssertionError(err)
        raise SystemExit(77)


class HostCase(unittest.TestCase):
    def start(self, *arguments, **options):
        started = host(*arguments, **options)
        self.addCleanup(started.__exit__)
        return started

    def has(self, program):
        if not os.path.exists(os.path.join(HOSTS, program)):
            self.skipTest(f"{program} is not built")


class EveryWait:
    """For a HostCase with a method `check`, which gets a mode of attach_host."""

    def test_epoll(self):
        self.check("epoll")

    def test_epoll_with_a_signal_mask(self):
        self.check("epoll-pwait")

    def test_poll(self):
        self.check("poll")

    def test_select(self):
        self.check("select")

    def test_nanosleep(self):
        self.check("nanosleep")

    def test_condition_variable(self):
        self.check("futex")

    def test_sigtimedwait(self):
        self.check("sigtimedwait")

    def test_accept(self):
        self.check("accept")

    def test_threads_that_allocate(self):
        self.check("malloc")

    def test_threads_that_load_libraries(self):
        self.check("dlopen")


@contextlib.contextmanager
def unchanged(test, pid):
    """Requires that what /proc has of a process is the same afterwards."""

    def state():
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            fields = dict(line.split(":", 1) for line in status)
        names = ("TracerPid", "SigIgn", "SigCgt")
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            files = {line.split(maxsplit=5)[-1] for line in maps if "agent" in line}
        return {name: fields[name] for name in names}, files

    before = state()
    yield
    test.assertEqual(state(), before)

"""Shared by all tests in Python: the environment of started programs, waiting
with a deadline, and data of processes from /proc."""

import contextlib
import ctypes
import os
import signal
import time

DEADLINE = 60  # Seconds, for one condition; far above its time under load.

# The environment without the variables that would change a tested program.
CLEAN_ENV = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("JEMALLOC_EXPORTER_", "MALLOC_CONF", "LD_PRELOAD"))
}

# Under QEMU, which tests/arm64 uses, each process has a further thread.
EMULATED = "QEMU_LD_PREFIX" in os.environ

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """A preexec_fn: the program is killed when this thread of the test ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition, what="condition", deadline=DEADLINE):
    """Returns the first true value of condition(). An OSError counts as false.
    Raises AssertionError after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        late = time.monotonic() > end
        with contextlib.suppress(OSError):
            if value := condition():
                return value
        if late:
            raise AssertionError(f"no {what} within {deadline} s")
        time.sleep(0.02)


def children(pid):
    """The pids of the children of the main thread of `pid`."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


def threads(pid):
    """The number of threads that the program of `pid` has."""
    return len(os.listdir(f"/proc/{pid}/task")) - EMULATED

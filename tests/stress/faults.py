"""Fails every allocation and every system call of one scrape in turn. The
exporter must respond or close the connection, leak no descriptor, and respond
correctly to the next scrape.

    faults.py allocations|calls [EVERY]

EVERY: tests every n-th call only; the default is 1.
"""

import errno
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

from target import Client, Exporter, Malformed, descriptors

HERE = os.environ["STRESS_TOOLS"]
AGENT = os.path.join(
    os.path.dirname(os.environ["JEMALLOC_EXPORTER"]), "libjemalloc_exporter_agent.so"
)
FIELDS = ("armed", "count", "fail_at", "error", "failed")
ERRORS = {"allocations": (0,), "calls": (errno.ENOMEM, errno.EINTR, errno.EMFILE)}
TIMEOUT = 5  # Seconds; more is a hang.


class Control:
    """The `Control` of control.h."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.write(bytes(4 * len(FIELDS)))
            file.flush()
            self._memory = mmap.mmap(file.fileno(), 4 * len(FIELDS))

    def __getitem__(self, name):
        return struct.unpack_from("=I", self._memory, 4 * FIELDS.index(name))[0]

    def __setitem__(self, name, value):
        struct.pack_into("=I", self._memory, 4 * FIELDS.index(name), value)


def scrape(port):
    """The status; "closed" if there was no valid response."""
    client = None
    try:
        client = Client(port, timeout=TIMEOUT)
        return client.request()[0]
    except (Malformed, ConnectionError):
        return "closed"
    finally:
        if client:
            client.close()


def check(exporter, pid, before):
    """The next response is complete, and no descriptor is leaked."""
    client = Client(exporter.port, timeout=TIMEOUT)
    status, page = client.request()
    client.close()
    assert status == 200, f"status {status} of the next scrape"
    for expected in (b'jemalloc_up{comm="sleep"', b'comm="jemalloc_export"'):
        assert expected in page, f"no {expected} in the next scrape"
    end = time.monotonic() + TIMEOUT  # Until the exporter detects the close.
    while time.monotonic() < end:
        if descriptors(pid) <= before:
            return
        time.sleep(0.01)
    raise AssertionError(f"{descriptors(pid)} descriptors, not {before}")


def exporter_of(kind, control_path):
    if kind == "calls":
        return Exporter(
            program=(
                os.path.join(HERE, "fail_calls"),
                control_path,
                os.environ["JEMALLOC_EXPORTER"],
            )
        )
    return Exporter(
        program=(
            "env",
            f"STRESS_CONTROL={control_path}",
            f"LD_PRELOAD={HERE}/libfail_allocations.so",
            os.environ["JEMALLOC_EXPORTER"],
        )
    )


def exporter_pid(kind, exporter):
    if kind == "allocations":
        return exporter.process.pid
    children = f"/proc/{exporter.process.pid}/task/{exporter.process.pid}/children"
    with open(children) as file:
        return int(file.read())


def main(kind, every):
    outcomes = {}
    points = 0
    sleep_process = subprocess.Popen(
        ["sleep", "100000"],
        env={"LD_PRELOAD": f"libjemalloc.so.2:{AGENT}", "PATH": os.environ["PATH"]},
    )
    with tempfile.NamedTemporaryFile() as file:
        control = Control(file.name)
        try:
            with exporter_of(kind, file.name) as exporter:
                pid = exporter_pid(kind, exporter)
                for _ in range(3):
                    scrape(exporter.port)
                before = descriptors(pid)
                for error in ERRORS[kind]:
                    control["error"] = error
                    at = 1
                    while True:
                        control["fail_at"], control["count"] = at, 0
                        control["armed"] = 1
                        try:
                            outcome = scrape(exporter.port)
                            control["armed"] = 0
                            if control["count"] < at:
                                break  # The scrape makes fewer calls.
                            points += 1
                            outcomes[outcome] = outcomes.get(outcome, 0) + 1
                            check(exporter, pid, before)
                            exporter.read_log()
                        except (AssertionError, OSError) as failure:
                            os.kill(pid, signal.SIGKILL)
                            sys.exit(
                                f"{kind} {at}, error {error}, call "
                                f"{control['failed']}: {failure}"
                            )
                        at += every
                status = exporter.stop()
                assert status == 0, f"exit status {status}: {exporter.log}"
        finally:
            sleep_process.kill()
            sleep_process.wait()
    assert points > 20, points
    print(
        f"{points} {kind} of a scrape failed; responses:",
        ", ".join(f"{key} {outcomes[key]}" for key in sorted(outcomes, key=str)),
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)

"""Attaches the agent to running programs and detaches it, again and again.

    attach_cycles.py CYCLES [KIND...]

CYCLES are those of each kind; without a KIND, of all. A program is started anew
after some cycles, so that the agent is loaded into it again. It must serve all
the time, and see no system call fail that it would not see fail otherwise. A
process that has no waiting thread within 2 s is refused, which is no failure;
the cycle is then repeated."""

import contextlib
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import target  # noqa: F401  # Adds tests/support to the path.
from attach_hosts import host, require_ptrace, stop
from programs import run
from redis import Redis
from support import CLEAN_ENV, DEADLINE, children, end_with_parent, wait_for

STOPPED = re.compile(r"thread \d+ was stopped for (\d+\.\d\d) ms")
REFUSED = re.compile(r"no thread waits|waits in a signal handler")
HOST_CYCLES = 10
SERVER_CYCLES = 100
WAITS = (
    "epoll", "poll", "select", "accept", "nanosleep", "futex", "sigtimedwait",
    "malloc", "dlopen",
)


class Failure(Exception):
    """A program that behaves otherwise than without the agent."""


def require(condition, *what):
    if not condition:
        raise Failure(*what)


@contextlib.contextmanager
def server(*command):
    """A program with its output in a file; must not end by itself."""
    folder = tempfile.mkdtemp()
    log = os.path.join(folder, "log")
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [part.replace("FOLDER", folder) for part in command],
            cwd=folder, env=CLEAN_ENV, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, preexec_fn=end_with_parent,
        )
    try:
        yield process.pid
        require(process.poll() is None, command[0], "has ended")
        process.terminate()
        process.wait(DEADLINE)
        with open(log, encoding="utf-8", errors="replace") as output:
            text = output.read()
        require(not re.search(r"(?i)interrupted|panic|assert|crash", text), text)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def clients(request):
    """Calls `request` again and again meanwhile; it raises if it is not served."""
    is_ended = threading.Event()
    errors = []
    served = [0]

    def call():
        while not is_ended.wait(0.005):
            try:
                request()
                served[0] += 1
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)
                return

    client = threading.Thread(target=call)
    client.start()
    try:
        yield
    finally:
        is_ended.set()
        client.join()
    require(not errors, errors)
    require(served[0] > 0, "no request was served")


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def waiting(mode):
    with host("attach_host", mode) as started:
        yield [started.pid]
        numbers = stop(started)
    if mode == "signals":
        require(numbers["without_handler"] == "0", numbers)
    else:
        require(
            (numbers["eintr"], numbers["early"], numbers["mask"]) == ("0", "0", "kept"),
            numbers,
        )


@contextlib.contextmanager
def redis_server():
    redis = Redis()
    try:
        with server(*redis.command) as pid:
            redis.connect()
            load = subprocess.Popen(
                ["redis-benchmark", "-s", redis.path, "-q", "-l", "-c", "20"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                preexec_fn=end_with_parent,
            )
            try:
                yield [pid]
                require(load.poll() is None, "redis-benchmark has ended")
            finally:
                load.kill()
                errors = load.communicate()[1]
            require(errors == b"", errors)
            require(redis.execute("PING") == b"PONG")
    finally:
        redis.close()


@contextlib.contextmanager
def varnishd():
    port = free_port(socket.SOCK_STREAM)
    url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        vcl = os.path.join(folder, "vcl")
        with open(vcl, "w", encoding="utf-8") as file:
            file.write(
                "vcl 4.1; backend default none;"
                'sub vcl_recv { return (synth(200, "OK")); }'
            )
        with server(
            "varnishd", "-F", "-j", "none", "-n", "FOLDER/v", "-a", f"127.0.0.1:{port}",
            "-f", vcl,
        ) as pid:

            def get():
                with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                    require(answer.status == 200, answer.status)

            wait_for(lambda: get() is None, "varnishd")
            worker, = children(pid)
            with clients(get):
                yield [pid, worker]
            require(children(pid) == [worker], "the worker has ended")


# A query for the address of `test.`
QUERY = (
    struct.pack(">6H", 0x1234, 0, 1, 0, 0, 0) + b"\4test\0" + struct.pack(">2H", 1, 1)
)
ZONE = "$TTL 60\n@ SOA test. test. 1 60 60 60 60\n@ NS test.\n@ A 127.0.0.1\n"


@contextlib.contextmanager
def named():
    port = free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory() as folder, socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as client:
        conf = os.path.join(folder, "named.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(
                f'options {{ directory "{folder}"; pid-file none; session-keyfile none;'
                f"listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"
                "recursion no; }; controls { };"
                'zone "test." { type primary; file "zone"; };'
            )
        with open(os.path.join(folder, "zone"), "w", encoding="utf-8") as file:
            file.write(ZONE)

        def is_answered(timeout=DEADLINE):
            client.settimeout(timeout)
            client.sendto(QUERY, ("127.0.0.1", port))
            return b"\x7f\0\0\1" in client.recv(512)

        with server("named", "-g", "-c", conf) as pid:
            wait_for(lambda: is_answered(0.2), "named")
            with clients(lambda: require(is_answered())):
                yield [pid]


KINDS = {
    **{mode: (lambda mode=mode: waiting(mode), HOST_CYCLES) for mode in WAITS},
    "signals": (lambda: waiting("signals"), HOST_CYCLES),
    "redis": (redis_server, SERVER_CYCLES),
    "varnishd": (varnishd, SERVER_CYCLES),
    "named": (named, SERVER_CYCLES),
}


class Tally:
    def __init__(self):
        self.loads = 0
        self.refusals = 0
        self.stops = []

    def cycle(self, pid):
        status, _, err = run("attach", str(pid))
        if status != 0 and REFUSED.search(err):
            self.refusals += 1
            return False
        require(status == 0, err)
        self.loads += "loaded the agent" in err
        self.stops.append(float(STOPPED.search(err)[1]))
        status, _, err = run("detach", str(pid))
        require(status == 0 and "the agent has ended" in err, err)
        return True


def run_cycles(start, cycles_of_process, cycles):
    tally = Tally()
    done = 0
    while done < cycles:
        with start() as pids:
            for i in range(min(cycles_of_process, cycles - done)):
                done += tally.cycle(pids[i % len(pids)])
    return tally


def main(cycles, names):
    require_ptrace()
    stops = []
    for name in names or KINDS:
        start = time.monotonic()
        tally = run_cycles(*KINDS[name], cycles)
        took = time.monotonic() - start
        stops += tally.stops
        times = sorted(tally.stops)
        print(
            f"{name:12} {len(times)} cycles, {tally.loads} loads, {tally.refusals}"
            f" refusals, 0 failures; stopped for {statistics.median(times):.2f} ms"
            f" (median), {times[len(times) * 99 // 100]:.2f} (p99), {times[-1]:.2f}"
            f" (longest); {took:.0f} s",
            flush=True,
        )
    print(
        f"all: {len(stops)} cycles, 0 failures; stopped for"
        f" {statistics.median(stops):.2f} ms (median), {max(stops):.2f} (longest)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""The exporter under test, and the scrape that checks it."""

import contextlib
import os
import re
import socket
import sys
import time

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)

from programs import Exporter  # noqa: E402, F401

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
HEAD = re.compile(
    rb"HTTP/1\.1 (\d{3}) [A-Za-z -]+\r\n((?:[A-Za-z-]+: [ -~]*\r\n)*)\r\n"
)
LENGTH = re.compile(rb"(?m)^Content-Length: (\d+)\r$")


class Malformed(Exception):
    """A response that is not valid HTTP/1.1."""


def split(received):
    """The status and size of the first response; None if it is incomplete."""
    if b"\r\n\r\n" not in received:
        return None
    head = HEAD.match(received)
    if not head:
        raise Malformed(received[:300])
    lengths = LENGTH.findall(head.group(2))
    if len(lengths) != 1:
        raise Malformed(received[:300])
    size = head.end() + int(lengths[0])
    return (int(head.group(1)), size) if len(received) >= size else None


class Client:
    """A connection that sends a request and waits for the response."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def request(self, data=SCRAPE):
        """The status and the complete response."""
        self.socket.sendall(data)
        while not (response := split(self.received)):
            data = self.socket.recv(1 << 16)
            if not data:
                raise Malformed(b"closed after " + self.received[:300])
            self.received += data
        status, size = response
        text, self.received = self.received[:size], self.received[size:]
        return status, text

    def close(self):
        self.socket.close()


def scrape(port):
    """The status of a scrape on a new connection, and its duration in seconds."""
    start = time.monotonic()
    client = Client(port)
    try:
        status, _ = client.request()
    finally:
        client.close()
    return status, time.monotonic() - start


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def status_kib(pid, name):
    """A number of /proc/PID/status, in KiB."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"{name}:\s+(\d+)", file.read()).group(1))


def processor_wait(pid):
    """The seconds for which each thread has been runnable without a processor."""
    waits = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                waits[thread] = int(file.read().split()[1]) / 1e9
    return waits


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))

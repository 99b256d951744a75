"""Sends mutated requests to an exporter, each on a new connection, and validates
every response.

    mutations.py COUNT [SEED]
"""

import random
import re
import socket
import sys
import time

from target import HEAD, LENGTH, Exporter, Malformed, scrape

# Part of every request. No response may contain it.
MARKER = b"EkOeKo"

REQUESTS = [
    b"GET /metrics HTTP/1.1\r\nHost: EkOeKo\r\n\r\n",
    b"GET /?EkOeKo HTTP/1.1\r\nHost: a\r\nAccept: text/plain;q=0.5,*/*\r\n\r\n",
    b"HEAD /-/healthy HTTP/1.1\r\nHost: EkOeKo\r\n\r\n",
    b"POST /EkOeKo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /metrics HTTP/1.0\r\nX: EkOeKo\r\nConnection: keep-alive\r\n\r\n"
    b"GET /-/ready HTTP/1.0\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"6\r\nEkOeKo\r\n0\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text;"
    b"version=1.0.0\r\nAccept-Encoding: gzip\r\nCookie: a=EkOeKo; b\r\n"
    b"X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
    b"GET /EkOeKo HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n",
]
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"%00", b"%0d%0a",
    b"HTTP/1.1", b"HTTP/9.9", b"HTTP/1.", b"GET ", b"HEAD ", b"OPTIONS * ",
    b"Host: x\r\n", b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n", b"Transfer-Encoding: identity\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Upgrade: h2c\r\n", b"q=0.\xff", b"\xff\xfe", b"../", b"//",
    b"http://EkOeKo/metrics", b"A" * 300, b"X: " + b"y" * 5000 + b"\r\n", b"z" * 20_000,
]


def mutate(chance):
    request = bytearray(chance.choice(REQUESTS))
    if chance.random() < 0.2:
        request += chance.choice(REQUESTS)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(request) + 1)
        end = min(len(request), at + chance.choice((1, 1, 2, 5, 20)))
        what = chance.randrange(5)
        if what == 0:
            request[at:end] = b""
        elif what == 1:
            request[at:at] = chance.choice(TOKENS)
        elif what == 2:
            request[at:at] = request[at:end]
        elif what == 3 and at < len(request):
            request[at] = chance.randrange(256)
        elif what == 4 and at < len(request):
            request[at] ^= 1 << chance.randrange(8)
    return bytes(request)


def send(port, request):
    """All data received; None if the connection was reset."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(1 << 16):
                received += data
        except (ConnectionResetError, BrokenPipeError):
            # Closed with unread data, as a rejected request may be. The reset
            # discards the response.
            return None
    return received


def validate(request, received):
    """The statuses of the responses; raises Malformed if one is not valid."""
    statuses = []
    if MARKER in received:
        raise Malformed(b"an echo: " + received[:300])
    while received:
        head = HEAD.match(received)
        lengths = LENGTH.findall(head.group(2)) if head else []
        if len(lengths) != 1:
            raise Malformed(received[:300])
        status = int(head.group(1))
        plain = (
            b"Content-Type: text/plain" in head.group(2)
            and b"X-Content-Type-Options: nosniff" in head.group(2)
        )
        if status >= 400 and not plain:
            raise Malformed(received[:300])
        received = received[head.end() :]
        if not received and b"HEAD" in request:
            size = 0
        else:
            size = int(lengths[0])
            if b"HEAD" in request and received.startswith(b"HTTP/1.1 "):
                size = 0
        if len(received) < size:
            raise Malformed(b"cut short: " + head.group(0) + received[:300])
        received = received[size:]
        statuses.append(status)
    return statuses


def main(count, seed):
    chance = random.Random(seed)
    counts = {}
    start = time.monotonic()
    with Exporter() as exporter:
        for i in range(count):
            request = mutate(chance)
            try:
                received = send(exporter.port, request)
                statuses = [] if received is None else validate(request, received)
            except (Malformed, TimeoutError) as fault:
                sys.exit(f"request {i} of seed {seed}, {request!r}: {fault!r}")
            for status in statuses or ["none"]:
                counts[status] = counts.get(status, 0) + 1
        assert scrape(exporter.port)[0] == 200
        status = exporter.stop()
        assert (status, re.findall("ERROR|WARNING", exporter.log)) == (0, []), (
            status,
            exporter.log,
        )
    print(
        f"{count} requests of seed {seed} in {time.monotonic() - start:.0f} s; responses:",
        ", ".join(f"{key} {counts[key]}" for key in sorted(counts, key=str)),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)

"""Scrapes an exporter while other clients send half a request, send it byte by
byte, or never read a response. A client whose connection is closed reconnects.

    slow_clients.py SECONDS [MAX_MILLISECONDS]

MAX_MILLISECONDS: fails if the 99th percentile of the scrape durations is above.
Reported beside it: the same without the time for which a thread of the exporter
was runnable, and had no processor. The clients keep one busy.
"""

import multiprocessing
import select
import socket
import sys
import time

from target import Exporter, percentile, processor_wait, scrape

# Kind: number of connections, number of client addresses.
CLIENTS = {"half_sent": (1000, 4), "dripping": (500, 2), "not_reading": (100, 1)}
HALF = b"GET /metrics HTTP/1.1\r\nHo"
# Enough responses to fill all socket buffers. Not scrapes, whose number is
# limited by --web.max-requests.
MANY = b"GET /-/ready HTTP/1.1\r\nHost: test\r\n\r\n" * 20_000


class SlowClients(multiprocessing.Process):
    """Clients of all kinds, until `stop` is set. In a process of their own: as a
    thread they would delay the scrapes, since Python runs one at a time."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.connected = multiprocessing.Event()
        self.stop = multiprocessing.Event()
        self.closed = multiprocessing.Value("i", 0)
        self.held = {}  # Socket to kind and address.

    def connect(self, kind, address):
        client = socket.socket()
        client.bind((address, 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.port))
        client.setblocking(False)
        client.send(MANY if kind == "not_reading" else HALF)
        self.held[client] = (kind, address)

    def run(self):
        host = 2
        for kind, (count, addresses) in CLIENTS.items():
            for i in range(count):
                self.connect(kind, f"127.0.0.{host + i % addresses}")
            host += addresses
        self.connected.set()
        while not self.stop.wait(1):
            self.drip()
            self.reconnect()
        for client in self.held:
            client.close()

    def drip(self):
        for client, (kind, _) in self.held.items():
            if kind == "dripping":
                try:
                    client.send(b"x")
                except OSError:
                    pass  # Closed; `reconnect` handles it.

    def reconnect(self):
        poll = select.poll()
        by_number = {client.fileno(): client for client in self.held}
        for number in by_number:
            poll.register(number, select.POLLRDHUP)
        for number, _ in poll.poll(0):
            client = by_number[number]
            self.closed.value += 1
            kind, address = self.held.pop(client)
            client.close()
            self.connect(kind, address)


def main(seconds, max_p99=float("inf")):
    with Exporter() as exporter:
        slow_clients = SlowClients(exporter.port)
        slow_clients.start()
        assert slow_clients.connected.wait(60)
        pid = exporter.process.pid
        times = []
        served = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = processor_wait(pid)
            status, took = scrape(exporter.port)
            assert status == 200, status
            waits = [
                wait - before.get(thread, 0)
                for thread, wait in processor_wait(pid).items()
            ]
            times.append(took)
            served.append(took - max(waits))
            time.sleep(0.05)
        slow_clients.stop.set()
        slow_clients.join()
    p99 = percentile(times, 0.99) * 1000
    print(
        f"{len(times)} scrapes in {seconds:g} s, none failed: median"
        f" {percentile(times, 0.5) * 1000:.1f} ms, p99 {p99:.1f} ms, longest"
        f" {max(times) * 1000:.1f} ms; without the wait for a processor: median"
        f" {percentile(served, 0.5) * 1000:.1f} ms, p99"
        f" {percentile(served, 0.99) * 1000:.1f} ms; {slow_clients.closed.value}"
        " clients closed"
    )
    assert p99 <= max_p99, f"p99 is above {max_p99} ms"


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

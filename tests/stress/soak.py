"""Scrapes an exporter again and again. What its allocator reports as allocated,
its descriptors and its threads return to their values after a warm-up of a
quarter as many scrapes; its RSS stays near that value.

    soak.py SCRAPES
"""

import re
import sys
import threading
import time

from support import threads, wait_for
from target import SCRAPE, Client, Exporter, descriptors, status_kib

CLIENTS = 4
PIPELINED = 25
# Caches of threads vary by some 10 KiB. A leak of 8 bytes in each scrape of the
# shortest run is more.
MAX_GROWTH_OF_ALLOCATED_KIB = 128
# What jemalloc holds beyond that varies with the order of events.
MAX_GROWTH_OF_RSS_KIB = 2048


def scrape(port, count):
    """Half of the time on one connection, half on new ones."""
    client = Client(port)
    for i in range(0, count, PIPELINED):
        if i % (2 * PIPELINED):
            client.close()
            client = Client(port)
        client.socket.sendall(SCRAPE * PIPELINED)
        for _ in range(PIPELINED):
            status, _ = client.request(b"")
            assert status == 200, status
    client.close()


def scrape_by_all(port, count):
    clients = [
        threading.Thread(target=scrape, args=(port, count // CLIENTS))
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def allocated_kib(exporter):
    """What the exporter's allocator reports, by the exporter's own metric."""
    client = Client(exporter.port)
    _, page = client.request()
    client.close()
    pattern = rf'jemalloc_allocated_bytes{{comm="[^"]*",pid="{exporter.process.pid}"}} (\d+)'
    return int(re.search(pattern.encode(), page).group(1)) >> 10


def main(count):
    with Exporter() as exporter:
        pid = exporter.process.pid
        at_rest = threads(pid)
        scrape_by_all(exporter.port, count // 4)
        wait_for(lambda: threads(pid) <= at_rest, "end of idle threads")
        before = descriptors(pid), allocated_kib(exporter), status_kib(pid, "VmRSS")
        start = time.monotonic()
        scrape_by_all(exporter.port, count)
        took = time.monotonic() - start
        wait_for(lambda: threads(pid) <= at_rest, "end of idle threads")
        wait_for(lambda: descriptors(pid) <= before[0], "end of connections")
        # Pages are given back within 10 s.
        wait_for(
            lambda: status_kib(pid, "VmRSS") <= before[2] + MAX_GROWTH_OF_RSS_KIB,
            f"RSS below {before[2] + MAX_GROWTH_OF_RSS_KIB} KiB",
        )
        after = descriptors(pid), allocated_kib(exporter), status_kib(pid, "VmRSS")
    print(
        f"{count} scrapes in {took:.0f} s, before and after: descriptors"
        f" {before[0]}, {after[0]}; allocated {before[1]}, {after[1]} KiB; RSS"
        f" {before[2]}, {after[2]} KiB"
    )
    assert after[0] == before[0]
    assert after[1] <= before[1] + MAX_GROWTH_OF_ALLOCATED_KIB


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Scrapes an exporter again and again: its descriptors and its memory must stay
what they are after a tenth as many.

    soak.py SCRAPES
"""

import sys
import threading
import time

from target import SCRAPE, Client, Exporter, descriptors, status_kib

CLIENTS = 4
PIPELINED = 25
MOST_GROWTH_KIB = 512
LEISURE = 12  # Seconds, for threads and pages to be given back.


def scrape(port, count):
    """Half of the time on one connection, half on new ones."""
    client = Client(port)
    for i in range(0, count, PIPELINED):
        if i % (2 * PIPELINED):
            client.close()
            client = Client(port)
        client.socket.sendall(SCRAPE * PIPELINED)
        for _ in range(PIPELINED):
            status, _ = client.ask(b"")
            assert status == 200, status
    client.close()


def scrape_by_all(port, count):
    crowd = [
        threading.Thread(target=scrape, args=(port, count // CLIENTS))
        for _ in range(CLIENTS)
    ]
    for client in crowd:
        client.start()
    for client in crowd:
        client.join()
    time.sleep(LEISURE)


def main(count):
    with Exporter() as exporter:
        pid = exporter.process.pid
        scrape_by_all(exporter.port, count // 10)
        before = descriptors(pid), status_kib(pid, "VmRSS")
        start = time.monotonic()
        scrape_by_all(exporter.port, count)
        took = time.monotonic() - start
        after = descriptors(pid), status_kib(pid, "VmRSS")
    print(
        f"{count} scrapes in {took:.0f} s: descriptors {before[0]} before and"
        f" {after[0]} after, RSS {before[1]} KiB before and {after[1]} KiB after"
    )
    assert after[0] == before[0]
    assert after[1] <= before[1] + MOST_GROWTH_KIB


if __name__ == "__main__":
    main(int(sys.argv[1]))

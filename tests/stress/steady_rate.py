"""Scrapes an exporter at a fixed rate, and then beyond --web.max-requests.

    steady_rate.py SECONDS SCRAPES_A_SECOND [MAX_MILLISECONDS]

MAX_MILLISECONDS: fails if the median latency of the 503 responses is above.
"""

import os
import signal
import subprocess
import sys
import threading
import time

from target import Client, Exporter, percentile

CLIENTS = 10
REJECTED = 200


def scrape_steadily(port, interval, count, times):
    client = Client(port)
    start = time.monotonic()
    for i in range(count):
        time.sleep(max(0, start + i * interval - time.monotonic()))
        begin = time.monotonic()
        status, _ = client.request()
        times.append((status, time.monotonic() - begin))
    client.close()


def keep_rate(seconds, rate):
    """Every scrape must return 200."""
    times = []
    with Exporter() as exporter:
        clients = [
            threading.Thread(
                target=scrape_steadily,
                args=(exporter.port, CLIENTS / rate, int(seconds * rate / CLIENTS), times),
            )
            for _ in range(CLIENTS)
        ]
        start = time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        took = time.monotonic() - start
    failed = [status for status, _ in times if status != 200]
    assert not failed and len(times) == int(seconds * rate / CLIENTS) * CLIENTS
    waits = [wait for _, wait in times]
    print(
        f"{len(times)} scrapes in {took:.1f} s, {len(times) / took:.0f} a second, all"
        f" 200: median {percentile(waits, 0.5) * 1000:.2f} ms, p99"
        f" {percentile(waits, 0.99) * 1000:.2f} ms"
    )


def reject(max_median):
    """A scrape beyond the limit gets 503 at once."""
    agent = os.path.join(
        os.path.dirname(os.environ["JEMALLOC_EXPORTER"]),
        "libjemalloc_exporter_agent.so",
    )
    # Stopped, it keeps one scrape running until the agent timeout.
    stopped = subprocess.Popen(
        ["sleep", "1000"],
        env={"LD_PRELOAD": f"libjemalloc.so.2:{agent}", "PATH": os.environ["PATH"]},
    )
    try:
        with Exporter("--web.max-requests=1", "--agent.timeout=60") as exporter:
            while b'comm="sleep"' not in Client(exporter.port).request()[1]:
                time.sleep(0.05)
            stopped.send_signal(signal.SIGSTOP)
            busy = Client(exporter.port)
            busy.socket.sendall(b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n")
            time.sleep(0.2)
            waits = []
            for _ in range(REJECTED):
                client = Client(exporter.port)
                begin = time.monotonic()
                status, _ = client.request()
                waits.append(time.monotonic() - begin)
                client.close()
                assert status == 503, status
                time.sleep(0.005)
            stopped.send_signal(signal.SIGCONT)
    finally:
        stopped.kill()
        stopped.wait()
    median, p99 = percentile(waits, 0.5) * 1000, percentile(waits, 0.99) * 1000
    print(
        f"{REJECTED} scrapes beyond the limit: 503 after {median:.2f} ms in the median,"
        f" p99 {p99:.2f} ms"
    )
    assert median <= max_median, f"the median is above {max_median} ms"


if __name__ == "__main__":
    keep_rate(float(sys.argv[1]), int(sys.argv[2]))
    reject(float(sys.argv[3]) if len(sys.argv) > 3 else float("inf"))

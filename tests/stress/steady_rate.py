"""Scrapes an exporter so many times a second, and then has it refuse scrapes.

    steady_rate.py SECONDS SCRAPES_A_SECOND [MOST_MILLISECONDS]

MOST_MILLISECONDS: fails where the median of the refusals is above.
"""

import os
import signal
import subprocess
import sys
import threading
import time

from target import Client, Exporter, percentile

CLIENTS = 10
REFUSED = 200


def scrape_steadily(port, interval, count, times):
    client = Client(port)
    start = time.monotonic()
    for i in range(count):
        time.sleep(max(0, start + i * interval - time.monotonic()))
        begin = time.monotonic()
        status, _ = client.ask()
        times.append((status, time.monotonic() - begin))
    client.close()


def keep_rate(seconds, rate):
    """Every scrape must be answered with 200."""
    times = []
    with Exporter() as exporter:
        crowd = [
            threading.Thread(
                target=scrape_steadily,
                args=(exporter.port, CLIENTS / rate, int(seconds * rate / CLIENTS), times),
            )
            for _ in range(CLIENTS)
        ]
        start = time.monotonic()
        for client in crowd:
            client.start()
        for client in crowd:
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


def refuse(most):
    """Beyond the limit a scrape must be refused at once."""
    agent = os.path.join(
        os.path.dirname(os.environ["JEMALLOC_EXPORTER"]),
        "libjemalloc_exporter_agent.so",
    )
    # Its silence keeps one scrape busy for as long as the timeout says.
    silent = subprocess.Popen(
        ["sleep", "1000"],
        env={"LD_PRELOAD": f"libjemalloc.so.2:{agent}", "PATH": os.environ["PATH"]},
    )
    try:
        with Exporter("--web.max-requests=1", "--agent.timeout=60") as exporter:
            while b'comm="sleep"' not in Client(exporter.port).ask()[1]:
                time.sleep(0.05)
            silent.send_signal(signal.SIGSTOP)
            busy = Client(exporter.port)
            busy.socket.sendall(b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n")
            time.sleep(0.2)
            waits = []
            for _ in range(REFUSED):
                client = Client(exporter.port)
                begin = time.monotonic()
                status, _ = client.ask()
                waits.append(time.monotonic() - begin)
                client.close()
                assert status == 503, status
                time.sleep(0.005)
            silent.send_signal(signal.SIGCONT)
    finally:
        silent.kill()
        silent.wait()
    median, p99 = percentile(waits, 0.5) * 1000, percentile(waits, 0.99) * 1000
    print(
        f"{REFUSED} scrapes beyond the limit: 503 after {median:.2f} ms in the median,"
        f" p99 {p99:.2f} ms"
    )
    assert median <= most, f"the median is above {most} ms"


if __name__ == "__main__":
    keep_rate(float(sys.argv[1]), int(sys.argv[2]))
    refuse(float(sys.argv[3]) if len(sys.argv) > 3 else float("inf"))

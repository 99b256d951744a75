"""Debian's redis-server, unmodified, under exec: our numbers against its own,
and its life against our scraping."""

import contextlib
import json
import os
import re
import signal
import threading
import time
import unittest

from programs import Exporter, get, run, wait_for
from redis import Redis

TOLERANCE = 0.05
MEBIBYTE = 1 << 20


def printed_statistics(text):
    """The numbers of all arenas in malloc_stats_print's text, by our keys. Without
    large allocations, the cache and the bookkeeping: Redis allocates the buffer
    for the text."""

    def number(pattern):
        return int(re.search(pattern, merged).group(1))

    head, merged = text.split("Merged arenas stats:", 1)
    merged = re.split(r"\narenas\[", merged)[0]
    page = int(re.search(r"Page size: (\d+)", head).group(1))
    result = {"retained_bytes": number(r"\nretained: +(\d+)")}
    result["background_threads"] = int(re.search(r"Background threads: (\d+)", head).group(1))
    result["threads"] = number(r"assigned threads: (\d+)")
    for state in ("dirty", "muzzy"):
        numbers = re.search(rf"{state}: +\S+ +\d+ +(\d+) +(\d+) +(\d+)", merged).groups()
        sweeps, calls, purged = map(int, numbers)
        result[f"{state}_purges"] = sweeps
        result[f"{state}_purge_calls"] = calls
        result[f"{state}_purged_bytes"] = purged * page
    # The buffer is a small allocation where pages have 64 KiB, as on 64-bit Arm.
    if page == 4096:
        # allocated, nmalloc and rate, ndalloc and rate
        small = re.search(r"\nsmall: +(\d+) +(\d+) +\d+ +(\d+)", merged).groups()
        result["small_allocated_bytes"] = int(small[0])
        result["small_arena_allocations"] = int(small[1])
        result["small_arena_deallocations"] = int(small[2])
    return result


class UnderExec(unittest.TestCase):
    def setUp(self):
        self.redis = Redis()
        self.addCleanup(self.redis.close)
        self.exporter = Exporter(
            "exec", "--log.level=info", command=self.redis.command
        )
        self.addCleanup(self.exporter.__exit__)
        self.redis.connect()
        self.pid = int(self.redis.info("server")["process_id"])

    def page(self):
        return get(self.exporter.url + "/metrics").text

    def gauge(self, name, page=None):
        """Of Redis; None where there is no such series."""
        found = re.search(
            rf'(?m)^{name}{{comm="redis-server",pid="{self.pid}"}} (\S+)$',
            page or self.page(),
        )
        return float(found.group(1)) if found else None

    def stop_redis(self):
        """Threads stop one after the other: waits for the agent's, too."""
        os.kill(self.pid, signal.SIGSTOP)
        self.addCleanup(self.continue_redis)
        wait_for(lambda: self.gauge("jemalloc_up") == 0, "stop")

    def continue_redis(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def assert_agrees(self):
        """Redis renews its numbers ten times a second."""
        time.sleep(0.3)
        page, info = self.page(), self.redis.info("memory")
        for name in ("allocated", "active", "resident"):
            theirs = int(info[f"allocator_{name}"])
            ours = self.gauge(f"jemalloc_{name}_bytes", page)
            self.assertAlmostEqual(
                ours / theirs, 1, delta=TOLERANCE, msg=f"{name} {ours} {theirs}"
            )

    def test_agrees_with_redis_idle_loaded_and_freed(self):
        # What is allocated for the first scrape and the first command.
        self.page()
        self.assert_agrees()
        self.redis.execute("DEBUG", "POPULATE", 300_000, "key", 800)
        self.assert_agrees()
        loaded = self.gauge("jemalloc_allocated_bytes")
        self.assertGreater(loaded, 200 * MEBIBYTE)
        self.redis.execute("FLUSHALL", "SYNC")
        self.assert_agrees()
        freed = self.gauge("jemalloc_allocated_bytes")
        self.assertLess(freed, loaded - 200 * MEBIBYTE)

    # Redis prints malloc_stats_print. What is equal before and after that
    # did not change in between.
    def test_has_the_statistics_that_redis_prints(self):
        self.redis.execute("DEBUG", "POPULATE", 100_000, "key", 800)

        def statistics():
            return json.loads(run("show", "--pid", str(self.pid), "--format=json")[1])

        def compare():
            before = statistics()
            printed = printed_statistics(self.redis.execute("MEMORY", "MALLOC-STATS").decode())
            after = statistics()
            compared = {}
            for key, value in printed.items():
                ours = before.get(key, before["statistics"].get(key))
                if ours == after.get(key, after["statistics"].get(key)):
                    compared[key] = (ours, value)
            equal = {key for key, (ours, value) in compared.items() if ours == value}
            seen.update(equal)
            return set(printed) - seen

        seen = set()
        wait_for(lambda: not compare(), "equal numbers")

    def test_saves_and_rewrites_while_it_is_scraped(self):
        self.redis.execute("DEBUG", "POPULATE", 100_000, "key", 100)
        done = threading.Event()

        def scrape():
            while not done.is_set():
                self.page()

        scraper = threading.Thread(target=scrape)
        scraper.start()
        try:
            for call, running, status in (
                ("BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status"),
                (
                    "BGREWRITEAOF",
                    "aof_rewrite_in_progress",
                    "aof_last_bgrewrite_status",
                ),
            ):
                self.redis.execute(call)
                wait_for(
                    lambda: self.redis.info("persistence")[running] == "0",
                    f"end of {call}",
                )
                self.assertEqual(self.redis.info("persistence")[status], "ok")
        finally:
            done.set()
            scraper.join()
        self.assertEqual(self.gauge("jemalloc_up"), 1)

    def test_loses_its_series_once_it_is_stopped(self):
        self.assertEqual(self.gauge("jemalloc_up"), 1)
        self.stop_redis()
        page = self.page()
        self.assertEqual(self.gauge("jemalloc_up", page), 0)
        self.assertIsNone(self.gauge("jemalloc_allocated_bytes", page))
        self.assertIn('processes{state="unreachable"} 1\n', page)
        os.kill(self.pid, signal.SIGCONT)
        wait_for(lambda: self.gauge("jemalloc_up") == 1, "answer")

    def test_stopped_costs_a_hurried_scraper_no_more_than_it_has(self):
        patient = Exporter("--agent.timeout=3600")
        self.addCleanup(patient.__exit__)
        self.stop_redis()
        answer = get(  # Within the deadline of every request.
            patient.url + "/metrics", X_Prometheus_Scrape_Timeout_Seconds="0.4"
        )
        self.assertEqual(self.gauge("jemalloc_up", answer.text), 0)
        os.kill(self.pid, signal.SIGCONT)


class BesideServe(unittest.TestCase):
    """One exporter for every process; the agent by LD_PRELOAD."""

    def test_killed_it_is_gone_by_the_next_scrape(self):
        redis = Redis()
        self.addCleanup(redis.close)
        with Exporter("exec", "--log.level=info", command=redis.command) as mine:
            with Exporter() as machine:
                redis.connect()
                pid = redis.info("server")["process_id"]
                series = f'comm="redis-server",pid="{pid}"'
                self.assertIn(series, get(machine.url + "/metrics").text)
                os.kill(int(pid), signal.SIGKILL)
                self.assertEqual(mine.process.wait(10), -signal.SIGKILL)
                self.assertNotIn(series, get(machine.url + "/metrics").text)


if __name__ == "__main__":
    unittest.main()

"""The landing page in Debian's Chromium. With SCREENSHOTS=FOLDER in the
environment the screenshots are kept there, to be looked at."""

import os
import re
import signal
import struct
import tempfile
import unittest

from browser import Browser
from programs import CLEAN_ENV, EXPORTER, Exporter, get, wait_for
from redis import Redis

AGENT = os.path.join(os.path.dirname(EXPORTER), "libjemalloc_exporter_agent.so")
WIDE, NARROW = (1400, 900), (360, 740)


def png_size(path):
    with open(path, "rb") as file:
        header = file.read(24)
    return struct.unpack(">II", header[16:24])


def screenshot(browser, name):
    """Writes a screenshot of the page; returns its width."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(os.environ.get("SCREENSHOTS", folder), name + ".png")
        browser.screenshot(path)
        return png_size(path)[0]


class EmptyLandingPage(unittest.TestCase):
    def test_explains_the_first_program(self):
        with Browser() as browser, Exporter() as exporter:
            browser.open(exporter.url + "/", *WIDE)
            screenshot(browser, "empty")
            command = browser.evaluate(
                "document.querySelector('.start pre').textContent"
            )
        self.assertEqual(command, f"LD_PRELOAD={AGENT} redis-server")


class StoppedProcess(unittest.TestCase):
    def test_has_its_reason(self):
        redis = Redis()
        redis.start({**CLEAN_ENV, "LD_PRELOAD": AGENT}, self.addCleanup)
        with Exporter() as exporter:
            wait_for(
                lambda: "redis-server<small>" in get(exporter.url + "/").text,
                "redis on the page",
            )
            redis.process.send_signal(signal.SIGSTOP)
            wait_for(
                lambda: "no response: stopped by SIGSTOP or job control (state T)"
                in get(exporter.url + "/").text,
                "reason",
            )


class LandingPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.exporter = Exporter()
        cls.addClassCleanup(cls.exporter.__exit__)
        redis = Redis()
        redis.start({**CLEAN_ENV, "LD_PRELOAD": AGENT}, cls.addClassCleanup)
        cls.url = cls.exporter.url + "/"

        # Two points of history, of redis as well.
        def has_plot():
            rows = re.findall("<tr role=\"row\">.*</tr>", get(cls.url).text)
            return any("redis-server" in r and "<polygon" in r for r in rows)

        wait_for(has_plot, "history of redis")

    def screenshot(self, name):
        return screenshot(self.browser, name)

    def test_fits_wide_screens(self):
        self.browser.open(self.url, *WIDE)
        self.assertEqual(self.screenshot("wide"), WIDE[0])

    def test_fits_narrow_screens(self):
        self.browser.open(self.url, *NARROW)
        self.assertEqual(self.screenshot("narrow"), NARROW[0])

    def test_fits_every_width_between(self):
        for width in (480, 640, 800, 1024, 1199, 1200, 1280, 1920):
            self.browser.open(self.url, width, 800)
            self.assertEqual(
                self.browser.evaluate("document.documentElement.scrollWidth"),
                width,
            )

    def test_is_dark_where_that_is_preferred(self):
        background = "getComputedStyle(document.body).backgroundColor"
        self.browser.open(self.url, *WIDE)
        light = self.browser.evaluate(background)
        self.browser.open(self.url, *WIDE, dark=True)
        dark = self.browser.evaluate(background)
        self.screenshot("dark")
        brightness = [
            sum(map(int, re.findall(r"\d+", color)[:3])) for color in (light, dark)
        ]
        self.assertGreater(brightness[0], 600)
        self.assertLess(brightness[1], 150)

    def test_loads_nothing_else(self):
        self.browser.open(self.url, *WIDE)
        self.assertEqual(
            {url for url in self.browser.requested if not url.startswith("data:")},
            {self.url},
        )

    def test_table_is_accessible_at_every_width(self):
        for size in (WIDE, NARROW):
            self.browser.open(self.url, *size)
            nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
            roles = [n["role"]["value"] for n in nodes if not n["ignored"]]
            self.assertEqual(roles.count("table"), 1)
            # Redis, the exporter's heading, the exporter.
            self.assertEqual(roles.count("rowheader"), 3)
            for role in ("columnheader", "cell", "image"):
                self.assertGreaterEqual(roles.count(role), 4, role)

    def test_sorts_by_link(self):
        names = "Array.from(document.querySelectorAll('tbody th'), e => e.firstChild.data)"
        self.browser.open(self.url + "?sort=process&order=desc", *WIDE)
        self.assertEqual(
            self.browser.evaluate(names),
            ["redis-server", "The exporter itself", "jemalloc_export"],
        )
        self.assertEqual(
            self.browser.evaluate(
                "document.querySelector('[aria-sort]').ariaSort"
            ),
            "descending",
        )

    def test_bar_fills_its_cell(self):
        self.browser.open(self.url, *WIDE)
        ratio = self.browser.evaluate(
            "(() => { const bars = [...document.querySelectorAll('td.bar svg')];"
            "return bars.map(bar => [...bar.querySelectorAll('rect')]"
            ".reduce((sum, r) => sum + r.getBoundingClientRect().width, 0)"
            " / bar.getBoundingClientRect().width); })()"
        )
        self.assertEqual(len(ratio), 2)
        for each in ratio:
            self.assertAlmostEqual(each, 1, delta=0.01)


if __name__ == "__main__":
    unittest.main()

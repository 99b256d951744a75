"""The flame graph of `jemalloc_exporter profile`, and in Debian's Chromium. With
SCREENSHOTS=FOLDER in the environment the screenshots are kept there."""

import html
import os
import re
import tempfile
import threading
import unittest

from browser import Browser
from profiles import profiled
from programs import run

LEAK = 200_000
LEAKED_BYTES = LEAK * (256 + 32)  # By profile_host, in size classes.
# That many samples of 512 KiB: a relative standard error of 9.5 %.
SAMPLES = LEAKED_BYTES / 2**19
SOURCE = os.path.join(os.path.dirname(__file__), "profile_host.cc")
WIDE, NARROW = (1280, 800), (360, 740)


def line_of(text):
    with open(SOURCE, encoding="utf-8") as source:
        return 1 + source.read().split(text)[0].count("\n")


def flame_graph(pid, *options):
    status, out, err = run("profile", f"--pid={pid}", "--format=flamegraph", *options)
    assert (status, err) == (0, ""), err
    return out


def frames(document):
    """CSS class, width in percent and title of each frame."""
    found = re.findall(
        r'<svg class="(\w+)" x="[\d.]+%" y="\d+" width="([\d.]+)%"[^>]*><title>([^<]*)</title>',
        document,
    )
    return [(name, float(width), html.unescape(title)) for name, width, title in found]


def growth_of_leak():
    with profiled() as host:
        host.await_ready()
        host.answer("leak 10000\n")
        leak = threading.Timer(0.5, lambda: host.answer(f"leak {LEAK}\n"))
        leak.start()
        document = flame_graph(host.pid, "--seconds=3s")
        leak.join()
    return document


class FlameGraph(unittest.TestCase):
    def test_names_the_function_and_line_of_a_leak(self):
        document = growth_of_leak()
        leaks = [f for f in frames(document) if f[2].startswith("shop::Parse(int)\n")]
        self.assertEqual(len(leaks), 1, document)
        css_class, width, title = leaks[0]
        self.assertRegex(css_class, r"growth\d")
        self.assertGreater(width, 90)
        line = line_of("  order->lines.resize(")
        self.assertRegex(title, rf"\n\S*profile_host.cc:{line} \(\+\d+.\d MiB\)\n")
        size = float(re.search(r"\n\+(\d+\.\d) MiB ± \d+\.\d MiB", title)[1])
        self.assertAlmostEqual(size * 2**20 / LEAKED_BYTES, 1, delta=5 / SAMPLES**0.5)

    def test_explains_that_nothing_is_sampled(self):
        with profiled(env={"MALLOC_CONF": "prof:true,prof_active:false"}) as host:
            host.await_ready()
            document = flame_graph(host.pid)
        self.assertIn("No allocation was sampled", document)
        self.assertEqual(frames(document), [])

    def test_is_drawn_by_a_browser_of_any_width(self):
        with profiled() as host, tempfile.TemporaryDirectory() as folder:
            host.await_ready()
            host.answer("leak 40000\n")
            path = os.path.join(folder, "heap.html")
            flame_graph(host.pid, f"--output={path}")
            self.check_in_browser(path, os.environ.get("SCREENSHOTS", folder))

    def check_in_browser(self, path, screenshots):
        widths = "[...document.querySelectorAll('.graph svg')].map(f => f.firstChild"
        widths += ".nextSibling.getBoundingClientRect().width)"
        with open(path, encoding="utf-8") as file:
            shares = [width for _, width, _ in frames(file.read())]
        with Browser() as browser:
            for size, dark in ((WIDE, False), (WIDE, True), (NARROW, False)):
                browser.open(f"file://{path}", *size, dark=dark)
                name = f"flame_graph_{size[0]}{'_dark' if dark else ''}.png"
                browser.screenshot(os.path.join(screenshots, name))
                drawn = browser.evaluate(widths)
                self.assertEqual(len(drawn), len(shares))
                for width, share in zip(drawn, shares):
                    self.assertAlmostEqual(width, drawn[0] * share / 100, delta=1)
                self.assertGreaterEqual(drawn[0], 640)
                # The page itself is not wider than the window.
                self.assertEqual(
                    browser.evaluate("document.documentElement.scrollWidth"), size[0]
                )
                self.assertEqual(browser.requested, [f"file://{path}"])
                background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
                self.assertEqual(background, "rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")


if __name__ == "__main__":
    unittest.main()

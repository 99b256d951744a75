"""A process in a control group of the kernel is shown with its unit."""

import contextlib
import json
import os
import re
import unittest

from agents import resting
from programs import Exporter, get, run

UNIT = f"jemalloc_exporter_test_{os.getpid()}.service"


def hierarchy():
    """The mount point of systemd's hierarchy of cgroups(7), or the unified one."""
    points = {}
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for _, point, kind, options, *_ in map(str.split, mounts):
            if kind == "cgroup2" or "name=systemd" in options.split(","):
                points[kind] = point
    return points.get("cgroup", points.get("cgroup2"))


@contextlib.contextmanager
def control_group(name):
    """A group at the root of the hierarchy; yields a function that adds a pid."""
    folder = os.path.join(hierarchy() or "/nonexistent", name)
    try:
        os.mkdir(folder)
    except OSError as error:
        raise unittest.SkipTest(f"cannot create a control group: {error}")

    def write(group, pid):
        with open(os.path.join(group, "cgroup.procs"), "w") as file:
            file.write(str(pid))

    def empty():
        with open(os.path.join(folder, "cgroup.procs")) as file:
            for pid in file.read().split():
                write(os.path.dirname(folder), pid)

    try:
        yield lambda pid: write(folder, pid)
    finally:
        empty()
        os.rmdir(folder)


class ProcessInfo(unittest.TestCase):
    def setUp(self):
        add = self.enterContext(control_group(UNIT))
        host = self.enterContext(resting())
        add(host.pid)
        self.pid = host.pid

    def test_has_the_unit_of_its_control_group(self):
        with Exporter() as exporter:
            page = get(exporter.url + "/metrics").text
        [labels] = re.findall(
            rf'(?m)^jemalloc_process_info\{{(.*pid="{self.pid}".*)\}} 1$', page
        )
        self.assertIn(f'unit="{UNIT}"', labels)

    def test_is_shown_with_the_unit(self):
        _, table, _ = run("show")
        self.assertRegex(table, rf"(?m)^{self.pid} .* {UNIT}$")
        _, text, _ = run("show", "--format=json")
        [unit] = [p["unit"] for p in json.loads(text) if p["pid"] == self.pid]
        self.assertEqual(unit, UNIT)


if __name__ == "__main__":
    unittest.main()

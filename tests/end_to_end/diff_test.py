"""diff: the changes between two snapshots or reports."""

import json
import os
import subprocess
import tempfile
import unittest

from programs import EXPORTER, run

STATE = {
    "allocated_bytes": 524288,
    "active_bytes": 1048576,
    "resident_bytes": 2097152,
    "mapped_bytes": 4194304,
    "narenas": 64,
}


class Diff(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        with open(os.path.join(self.folder.name, name), "w") as file:
            file.write(text)
        return name

    def diff(self, before, after):
        return run("diff", before, after, cwd=self.folder.name)

    def assert_trouble(self, text, reason):
        good = self.file("good.json", json.dumps(STATE))
        bad = self.file("bad.json", text)
        expected = (2, "", f"jemalloc_exporter: bad.json: {reason}\n")
        self.assertEqual(self.diff(bad, good), expected)
        self.assertEqual(self.diff(good, bad), expected)

    def test_on_a_full_disk_is_trouble(self):
        file = self.file("state.json", json.dumps(STATE))
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [EXPORTER, "diff", file, self.file("empty.json", "{}")],
                cwd=self.folder.name,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        self.assertEqual(
            (done.returncode, done.stderr),
            (2, "jemalloc_exporter: cannot write to stdout\n"),
        )

    def test_equal(self):
        file = self.file("state.json", json.dumps(STATE))
        self.assertEqual(self.diff(file, file), (0, "", ""))

    def test_different(self):
        before = self.file("before.json", json.dumps(STATE))
        after = self.file("after.json", json.dumps({**STATE, "narenas": 65}))
        self.assertEqual(self.diff(before, after), (1, "narenas: 64 → 65\n", ""))

    def report(self, name, growth):
        test = {"name": "Cache.Evicts", "result": "passed", **growth}
        run = {"name": "cache_test", "result": "passed"}
        return self.file(name, json.dumps({"run": run, "entries": [test]}))

    def test_reports_of_test_runs(self):
        before = self.report("before.json", {"heap_growth_bytes": 0})
        after = self.report("after.json", {"heap_growth_bytes": 4096})
        self.assertEqual(self.diff(before, before), (0, "", ""))
        self.assertEqual(
            self.diff(before, after),
            (1, "Cache.Evicts heap_growth_bytes: 0 → 4096\n", ""),
        )

    def test_report_beside_a_snapshot(self):
        report = self.report("report.json", {})
        snapshot = self.file("state.json", "{}")
        self.assertEqual(
            self.diff(snapshot, report),
            (
                2,
                "",
                "jemalloc_exporter: report.json is of a test run and state.json "
                "is not\n",
            ),
        )

    def test_broken_report(self):
        self.file("bad.json", '{"run":[]}')
        status, out, err = self.diff("bad.json", "bad.json")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\Ajemalloc_exporter: bad.json: run\b.*\n\Z")

    def test_missing_file(self):
        good = self.file("good.json", "{}")
        self.assertEqual(
            self.diff(good, "none.json"),
            (2, "", "jemalloc_exporter: none.json: No such file or directory\n"),
        )

    def test_folder(self):
        good = self.file("good.json", "{}")
        self.assertEqual(
            self.diff(good, "."),
            (2, "", "jemalloc_exporter: .: Is a directory\n"),
        )

    def test_empty(self):
        self.assert_trouble(
            "",
            "line 1, column 1: syntax error while parsing value - unexpected "
            "end of input; expected '[', '{', or a literal",
        )

    def test_truncated(self):
        self.assert_trouble(
            '{"narenas":6',
            "line 1, column 13: syntax error while parsing object - "
            "unexpected end of input; expected '}'",
        )

    def test_no_json(self):
        self.assert_trouble(
            "narenas: 64\n",
            "line 1, column 2: syntax error while parsing value - invalid "
            "literal",
        )

    def test_wrong_type(self):
        self.assert_trouble(
            '{"narenas":"64"}',
            "narenas: expected an integer from 0 to 2^64 - 1, found string",
        )

    def test_negative(self):
        self.assert_trouble(
            '{"active_bytes":-1}',
            "active_bytes: expected an integer from 0 to 2^64 - 1, found -1",
        )

    def test_more_than_64_bits(self):
        self.assert_trouble(
            '{"active_bytes":18446744073709551616}',
            "active_bytes: expected an integer from 0 to 2^64 - 1, found "
            "18446744073709551616",
        )

    def test_device(self):
        self.assertEqual(
            self.diff("/dev/zero", "/dev/zero"),
            (2, "", "jemalloc_exporter: /dev/zero: not a regular file or a pipe\n"),
        )


if __name__ == "__main__":
    unittest.main()

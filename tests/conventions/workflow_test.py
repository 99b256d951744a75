"""The CI workflow runs every stage of .ci/run, and no other."""

import pathlib
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Workflow(unittest.TestCase):
    def test_runs_each_stage(self):
        workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
        job = workflow["jobs"]["stage"]
        listed = subprocess.run(
            [ROOT / ".ci/run", "--list"], check=True, capture_output=True, text=True
        ).stdout
        self.assertEqual(job["strategy"]["matrix"]["stage"], listed.split())
        commands = [step["run"] for step in job["steps"] if "run" in step]
        self.assertIn(".ci/run --stage ${{ matrix.stage }}", commands)

    def test_rejects_an_unknown_stage(self):
        done = subprocess.run(
            [ROOT / ".ci/run", "--stage", "unknown"],
            check=False,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^\S+: no such stage: 'unknown'; the stages are: .*\n$")


if __name__ == "__main__":
    unittest.main()

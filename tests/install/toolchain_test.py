"""Which machines the Dockerfile's build stage compiles for, and how: make_toolchain
with recording stubs in place of what it calls."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "exporter/packaging"
STUB = '#!/bin/sh\necho "${0##*/} $*" >>"$RECORD"\n'


class MakeToolchain(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="toolchain_test."))
        self.addCleanup(shutil.rmtree, self.folder)
        copy = self.folder / "packaging"
        (copy / "arm64").mkdir(parents=True)
        self.script = shutil.copy(PACKAGING / "make_toolchain", copy)
        shutil.copy(PACKAGING / "arm64/toolchain.cmake", copy / "arm64")
        self.write_stub(copy / "install-dependencies", STUB)
        self.write_stub(copy / "arm64/make_root", STUB)
        self.result = self.folder / "result"
        self.record = self.folder / "record"
        self.record.touch()

    def write_stub(self, path, text):
        path.write_text(text)
        path.chmod(0o755)

    def make(self, architecture, machine):
        """Runs the script on a machine of this architecture. Returns exit status,
        stderr, and the commands that were run."""
        self.write_stub(self.folder / "dpkg", f"#!/bin/sh\necho {machine}\n")
        path = f"{self.folder}:{os.environ['PATH']}"
        done = subprocess.run(
            [self.script, architecture, self.result],
            env={**os.environ, "PATH": path, "RECORD": str(self.record)},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr, self.record.read_text().splitlines()

    def toolchain(self):
        return (self.result / "toolchain.cmake").read_text()

    def test_compiles_natively_for_the_machine_itself(self):
        for architecture, machine in (
            ("amd64", "amd64"),
            ("arm64", "arm64"),
            ("riscv64", "riscv64"),
            ("", "amd64"),  # A builder without TARGETARCH.
        ):
            with self.subTest(architecture=architecture, machine=machine):
                self.record.write_text("")
                status, log, commands = self.make(architecture, machine)
                self.assertEqual((status, log), (0, ""))
                self.assertEqual(commands, ["install-dependencies build"])
                self.assertEqual(self.toolchain(), "")

    def test_compiles_for_64_bit_arm_elsewhere(self):
        status, log, commands = self.make("arm64", "amd64")
        self.assertEqual((status, log), (0, ""))
        root = self.result / "root"
        self.assertEqual(
            commands, ["install-dependencies build arm64", f"make_root {root}"]
        )
        script = self.folder / "print.cmake"
        script.write_text(
            f"include({self.result}/toolchain.cmake)\n"
            'message("${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_SYSROOT}")\n'
        )
        printed = subprocess.run(
            ["cmake", "-P", script], check=True, capture_output=True, text=True
        ).stderr
        self.assertEqual(printed, f"aarch64 {root}\n")

    def test_rejects_any_other_in_one_line(self):
        for architecture, machine in (("s390x", "amd64"), ("amd64", "arm64")):
            with self.subTest(architecture=architecture, machine=machine):
                status, log, commands = self.make(architecture, machine)
                self.assertEqual((status, commands), (1, []))
                self.assertRegex(
                    log, rf"\A\S*make_toolchain: .* {architecture} on {machine}\b.*\n\Z"
                )
                self.assertFalse(self.result.exists())


class Dockerfile(unittest.TestCase):
    def test_compiles_on_the_machine_that_builds(self):
        text = (ROOT / "Dockerfile").read_text()
        stages = re.findall(r"^FROM (\S+) ", text, re.M)
        # In buildah 1.28, an omitted platform is that of the stage before.
        self.assertEqual(
            stages, ["--platform=$BUILDPLATFORM", "--platform=$TARGETPLATFORM"]
        )
        # Only an ARG of the stage has a value in it.
        [folder] = re.findall(
            r'^ARG TARGETARCH\nRUN .*\\\n.*/make_toolchain "\$TARGETARCH" (\S+)$', text, re.M
        )
        self.assertIn(f"-DCMAKE_TOOLCHAIN_FILE={folder}/toolchain.cmake ", text)


if __name__ == "__main__":
    unittest.main()

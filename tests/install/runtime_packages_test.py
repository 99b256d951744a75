"""The packages of the purpose `runtime` have every shared library of the program
that is installed."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Essential on every Debian, or a dependency of all that is written in C.
ALWAYS = {"libc6", "libgcc-s1"}


def output(*command):
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


class RuntimePackages(unittest.TestCase):
    def test_have_the_libraries_of_the_program(self):
        script = (ROOT / "exporter/packaging/install-dependencies").read_text()
        (listed,) = re.findall(r"^runtime=\(\n(.*?)^\)", script, re.MULTILINE | re.DOTALL)
        program = os.environ["JEMALLOC_EXPORTER"]
        needed = re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", program))
        paths = dict(re.findall(r"(\S+) => (\S+) \(", output("ldd", program)))
        self.assertIn("libjemalloc.so.2", needed)
        for library in set(needed) & paths.keys():
            with self.subTest(library):
                # Its file is known to dpkg by the path without the link /lib.
                path = os.path.realpath(paths[library])
                owner = output("dpkg-query", "--search", path.removeprefix("/usr"), path)
                self.assertIn(owner.split(":")[0], ALWAYS | set(listed.split()))


if __name__ == "__main__":
    if not pathlib.Path("/usr/bin/dpkg-query").exists():
        sys.exit(77)
    unittest.main()

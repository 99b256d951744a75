"""The image that the Dockerfile makes: built, started, scraped.

IMAGE_BUILD in the environment is a command that takes a folder and a tag, and
IMAGE_RUN one that takes a tag and the command to run on the host's network, with its
stdin. They choose the platform: with an emulator, also another machine's. By default
they are those of docker or podman, where one works. The test is skipped without both:
it downloads, and compiles for minutes."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from programs import Exporter, get

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAG = "jemalloc_exporter:image_test"

# Not each IMAGE_RUN forwards signals, but each passes stdin on. The exporter gets
# SIGTERM at the end of that, and its exit status is the command's.
UNTIL_STDIN_ENDS = (
    'jemalloc_exporter "$@" & while read -r _; do :; done; kill "$!"; wait "$!"'
)


def commands():
    """The commands to build and to run, or None."""
    if "IMAGE_BUILD" in os.environ and "IMAGE_RUN" in os.environ:
        return [shlex.split(os.environ[name]) for name in ("IMAGE_BUILD", "IMAGE_RUN")]
    for engine in ("docker", "podman"):
        if shutil.which(engine) and not subprocess.run(
            [engine, "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode:
            build = ["sh", "-c", f'exec {engine} build --tag "$2" "$1"', engine]
            run = [engine, "run", "--rm", "--interactive", "--network=host", "--entrypoint="]
            return build, run
    return None


class ExporterUntilStdinEnds(Exporter):
    def stop(self):
        """Returns the exit status."""
        return super().stop(signal=0)  # communicate() closes stdin.


class Image(unittest.TestCase):
    def test_serves_its_own_heap(self):
        build, run = commands()
        subprocess.run([*build, ROOT, TAG], check=True)
        version = subprocess.run(
            [*run, TAG, "jemalloc_exporter", "--version"],
            check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
        [expected] = re.findall(r"ARG VERSION=(.*)", (ROOT / "Dockerfile").read_text())
        self.assertIn(f"version {expected} ", version)
        program = [*run, TAG, "bash", "-c", UNTIL_STDIN_ENDS, "jemalloc_exporter"]
        with ExporterUntilStdinEnds(program=program) as exporter:
            page = get(exporter.url + "/metrics").text
            self.assertEqual(exporter.stop(), 0, exporter.log)
        self.assertRegex(page, r'jemalloc_allocated_bytes\{comm="jemalloc_export",.*\} \d')


if __name__ == "__main__":
    if not commands():
        print("neither IMAGE_BUILD and IMAGE_RUN, nor docker, nor podman", file=sys.stderr)
        sys.exit(77)
    unittest.main()

"""The README's installation, run literally on a fresh clone.

Every shell block and every inline command of README.md that contains
`cmake --install` is run. One that also builds starts from a fresh clone; the
others run after those, in the last clone. DESTDIR leads to a folder of this test;
sudo and the tools of systemd are stubs that run, or record, their arguments.

make is a stub that fails: it is not among the packages of `build`.

SCRATCH in the environment is the folder to use. It is the same in each run, so
that ccache finds the objects of the previous one."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(os.environ["SCRATCH"])
ORIGIN, CLONE, DESTDIR, STUBS, RECORD = (
    SCRATCH / name for name in ("origin", "clone", "destdir", "stubs", "record")
)
PREFIX = DESTDIR / "usr/local"
EXPORTER = PREFIX / "bin/jemalloc_exporter"
os.environ["JEMALLOC_EXPORTER"] = str(EXPORTER)

from programs import CLEAN_ENV, Exporter, get, run  # noqa: E402

STUB = """#!/bin/sh
case ${0##*/} in
  sudo) exec "$@" ;;
  git)
    if [ "$1" = clone ]; then
      exec %(git)s clone -q %(origin)s "${3:-$(basename "$2" .git)}"
    fi
    exec %(git)s "$@" ;;
  gmake | make) echo "make is not installed" >&2; exit 127 ;;
  *) echo "${0##*/} $*" >>%(record)s ;;
esac
"""


def builds(script):
    return re.search("exporter/run|cmake (-B|-G|-S|--build)", script)


def installations():
    """The commands of the README, each a shell script; those that build first."""
    text = (ROOT / "README.md").read_text()
    found = re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", text, re.DOTALL)
    scripts = [
        block or inline
        for block, inline in found
        if "cmake --install" in (block or inline) and (block or "&&" in inline)
    ]
    return sorted(scripts, key=lambda script: not builds(script))


def make_origin():
    """A repository with one commit: the files of this checkout as they are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (ORIGIN / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, ORIGIN / name)
    for command in (
        "init --quiet",
        "add .",
        "-c user.name=test -c user.email=test@localhost commit --quiet -m test",
    ):
        subprocess.run(["git", *command.split()], cwd=ORIGIN, check=True)


def execute(script):
    """Runs a script of the README in the clone, or in an empty folder if it
    clones."""
    clones = "git clone" in script
    if clones or builds(script):
        shutil.rmtree(CLONE, ignore_errors=True)
        CLONE.mkdir()
        if not clones:
            subprocess.run(["git", "clone", "-q", ORIGIN, CLONE], check=True)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=CLONE,
        env={
            **CLEAN_ENV,
            "DESTDIR": str(DESTDIR),
            "PATH": f"{STUBS}:{os.environ['PATH']}",
            **({"CMAKE_CXX_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def setUpModule():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    for folder in (ORIGIN, STUBS):
        folder.mkdir(parents=True)
    make_origin()
    quoted = {
        "git": shlex.quote(shutil.which("git")),
        "origin": shlex.quote(str(ORIGIN)),
        "record": shlex.quote(str(RECORD)),
    }
    for name in ("sudo", "git", "gmake", "make", "systemctl", "systemd-sysusers"):
        (STUBS / name).write_text(STUB % quoted)
        (STUBS / name).chmod(0o755)


class ReadmeInstallation(unittest.TestCase):
    """One test, because each step needs the one before."""

    maxDiff = None

    def test_installs_a_working_program_and_library(self):
        scripts = installations()
        self.assertTrue(scripts, "the README shows no installation")
        for script in scripts:
            with self.subTest(script=script):
                shutil.rmtree(DESTDIR, ignore_errors=True)
                status, output = execute(script)
                self.assertEqual(status, 0, output[-3000:])
                self.check_program()
        self.check_library()

    def check_program(self):
        status, version, error = run("--version")
        self.assertEqual((status, error), (0, ""))
        self.assertRegex(version, r"version \d+\.\d+\.\d+")
        with Exporter() as exporter:
            self.assertIn("jemalloc_up{", get(exporter.url + "/metrics").text)
        agent = PREFIX / "lib/jemalloc_exporter/libjemalloc_exporter_agent.so"
        listen = "--web.listen-address=127.0.0.1:0"
        shown = run("exec", listen, "--", "sh", "-c", "echo $LD_PRELOAD")
        self.assertEqual(shown, (0, f"{agent}\n", ""))
        unit = PREFIX / "lib/systemd/system/jemalloc_exporter.service"
        self.assertTrue(unit.is_file())

    def check_library(self):
        """A program of a user of the library, in each way to get at it."""
        (modules,) = PREFIX.glob("lib/**/pkgconfig")
        for way, builder in {
            "package": ["cmake", f"-DCMAKE_PREFIX_PATH={PREFIX}"],
            "add_subdirectory": ["cmake", f"-DSOURCE={ORIGIN}"],
            "pkg-config": [
                "pkg-config",
                "jemalloc_exporter-prometheus",
                "jemalloc_exporter-server",
            ],
        }.items():
            with self.subTest(way):
                done = subprocess.run(
                    [
                        ORIGIN / "tests/install/consumer/build_and_run",
                        "server",
                        SCRATCH / "consumer" / way,
                        *builder,
                    ],
                    env={**CLEAN_ENV, "PKG_CONFIG_PATH": str(modules)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stdout[-3000:])


if __name__ == "__main__":
    unittest.main()

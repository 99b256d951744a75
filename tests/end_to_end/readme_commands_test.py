"""The commands of the README work."""

import base64
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

from programs import CLEAN_ENV, EXPORTER, Exporter, get
from support import DEADLINE, wait_for

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
AGENT = os.path.join(os.path.dirname(EXPORTER), "libjemalloc_exporter_agent.so")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


README = read("README.md")

BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
RUN_HERE = (
    "exec -- redis-server",
    "exec --profile --",
    "go tool pprof -top -seconds",
    "jemalloc_exporter profile",
    "curl -s",
    "LD_PRELOAD=",
    "jemalloc_exporter show",
    "=results/ ctest",
    "--report results.json",
    "diff before.json after.json",
)
# Blocks that another test runs, and those that need what no test has.
RUN_ELSEWHERE = {
    "cmake --install": "tests/install/readme_installation_test.py",
    "./tests/run": "tests/install/run_test",
    "cpack": "tests/install/debian_package_test.py",
    "redis-server.service.d": "tests/end_to_end/units_test.py copies the same file",
}
NOT_RUN = {
    "docker": "no container runtime in the tests' packages",
    "jb install": "needs a network; tests/dashboards/mixin_test.py evaluates the mixin",
}


class Commands(unittest.TestCase):
    """Each test runs the blocks that it names, literally, in a folder with the
    program in PATH. The path of the installed agent is that of the build."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.mkdir(os.path.join(self.folder, "exporter"))
        for link in ("jemalloc_exporter", "exporter/run"):
            os.symlink(EXPORTER, os.path.join(self.folder, link))

    def block(self, text):
        """The block that contains the text."""
        [block] = [block for block in BLOCKS if text in block]
        return block.replace(
            "/usr/local/lib/jemalloc_exporter/libjemalloc_exporter_agent.so", AGENT
        )

    def start(self, text):
        """Starts a block, which is killed at the end of the test."""
        process = subprocess.Popen(
            ["bash", "-c", self.block(text)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)

    def environment(self):
        return {**CLEAN_ENV, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def output(self, text, status=0, pid="987", replaced=()):
        block = self.block(text).replace("987", pid)
        for old, new in dict(replaced).items():
            block = block.replace(old, new)
        done = subprocess.run(
            ["bash", "-c", block],
            cwd=self.folder,
            env={**self.environment(), "HOME": self.folder},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def shown(self):
        """The table, or nothing while no process has the agent."""
        return self.output("jemalloc_exporter show", status=None)

    def test_program_is_shown_in_one_minute(self):
        self.start("exec -- redis-server")
        self.assertTrue(wait_for(lambda: "redis-server" in self.shown()))

        def series():
            done = subprocess.run(
                ["bash", "-c", self.block("curl -s")],
                env=self.environment(), capture_output=True, text=True, check=False,
            )
            return re.findall(r"(?m)^(\w+)\{comm=\"redis-server\"", done.stdout)

        names = wait_for(series, "series of redis")
        documented = re.findall(r'(?m)^(\w+)\{comm="redis-server",pid="987"', README)
        self.assertEqual(names, documented)

    def test_program_is_preloaded(self):
        self.start("LD_PRELOAD=")
        self.assertTrue(wait_for(lambda: "redis-server" in self.shown()))

    def test_heap_profile_is_read_by_pprof(self):
        self.start("exec --profile --")
        found = wait_for(lambda: re.search(r"(?m)^(\d+) +redis-server", self.shown()))
        top = self.output("jemalloc_exporter profile", pid=found[1])
        self.assertIn("Type: inuse_space\n", top)
        served = self.output("go tool pprof -top -seconds", replaced={"-seconds 60": "-seconds 2"})
        self.assertEqual(served.count("Type: inuse_space\n"), 2)
        self.assertRegex(served, r"Duration: \d")
        with open(os.path.join(self.folder, "heap.html"), encoding="utf-8") as page:
            self.assertIn("<svg", page.read())

    def test_reports_are_written_and_compared(self):
        [program] = glob.glob(os.path.join(os.environ["AGENT_HOSTS"], "exporter_text_test"))
        with open(os.path.join(self.folder, "CTestTestfile.cmake"), "w") as file:
            file.write(f'add_test(text "{program}")\n')
        self.output("=results/ ctest")
        [name] = os.listdir(os.path.join(self.folder, "results"))
        with open(os.path.join(self.folder, "results", name)) as file:
            self.assertTrue(json.load(file))

        self.output("--report results.json")
        with open(os.path.join(self.folder, "results.json")) as file:
            self.assertTrue(json.load(file))
        for copy in ("before.json", "after.json"):
            shutil.copy(
                os.path.join(self.folder, "results.json"),
                os.path.join(self.folder, copy),
            )
        self.output("diff before.json after.json")

    def test_htpasswd_prints_a_hash_that_the_exporter_accepts(self):
        [command] = re.findall(r"`(htpasswd .*?)` reads a password", README)
        pid, terminal = pty.fork()  # It reads the password from /dev/tty.
        if pid == 0:
            os.chdir(self.folder)
            os.execvp("bash", ["bash", "-c", f"{command} > hash"])
        self.addCleanup(os.close, terminal)
        for prompt in (b"New password:", b"Re-type new password:"):
            self.expect(terminal, prompt)
            os.write(terminal, b"secret\n")
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        config = os.path.join(self.folder, "web.yml")
        with open(os.path.join(self.folder, "hash"), encoding="utf-8") as file:
            users = f"basic_auth_users:\n  prometheus: {file.read()}\n"
        with open(config, "w", encoding="utf-8") as file:
            file.write(users)
        with Exporter(f"--web.config.file={config}") as exporter:
            login = base64.b64encode(b"prometheus:secret").decode()
            self.assertEqual(get(exporter.url + "/metrics").status, 401)
            page = get(exporter.url + "/metrics", authorization=f"Basic {login}")
            self.assertEqual(page.status, 200)

    def expect(self, terminal, prompt):
        """Reads from the terminal up to the end of the prompt."""
        text = b""
        while prompt not in text:
            self.assertTrue(select.select([terminal], [], [], DEADLINE)[0], text)
            text += os.read(terminal, 1024)

    def test_docker_commands_name_what_the_image_has(self):
        dockerfile = read("Dockerfile")
        [port] = re.findall(r"docker run .*-p (\d+):\1 ", README)
        self.assertIn(f"\nEXPOSE {port}\n", dockerfile)
        [argument] = re.findall(r"docker build --build-arg (\w+)=", README)
        self.assertRegex(dockerfile, rf"\nARG {argument}\b")
        [compose] = re.findall(r"docker compose -f (\S+) up", README)
        self.assertIn("services:", read(compose))

    def test_every_block_is_run_by_a_test(self):
        for block in BLOCKS:
            known = [*RUN_HERE, *RUN_ELSEWHERE, *NOT_RUN]
            self.assertTrue(any(text in block for text in known), block)


if __name__ == "__main__":
    unittest.main()

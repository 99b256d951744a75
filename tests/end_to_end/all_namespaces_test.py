"""Agents in network namespaces made by unshare(1), and --agent.all-namespaces.
Other tests may run agents on this machine at the same time."""

import os
import pathlib
import re
import signal
import subprocess
import unittest

from agents import HOSTS, NOBODY, resting
from programs import EXPORTER, Exporter, get, run, wait_for

OPTION = "--agent.all-namespaces"
CAPABILITIES = ("sys_admin", "sys_ptrace", "setuid")
MASK = "0000000000280080"  # Of these three.
USER = 1000  # Of a process that is not root's.
MAX_CONNECTOR_RSS_KIB = 3 * 1024

NETWORK = ("unshare", "--net")
ROOT_USER_NAMESPACE = ("unshare", "--map-root-user", "--net")
USER_NAMESPACE = (
    "setpriv", f"--reuid={USER}", "--clear-groups", *ROOT_USER_NAMESPACE,
)


def setUpModule():
    """Namespaces, one of them a user's, are made here or not at all."""
    done = subprocess.run(
        [*USER_NAMESPACE, "true"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        if os.environ.get("CI"):
            raise AssertionError(f"no user namespaces: {done.stderr}")
        raise unittest.SkipTest(f"no user namespaces: {done.stderr}")


def with_capabilities(*names):
    """A command prefix: root with these, and no others."""
    return ("setpriv", "--bounding-set=" + ",".join(["-all", *(f"+{n}" for n in names)]))


def with_ambient(user, *names):
    """A command prefix: a user with these, as systemd's AmbientCapabilities=."""
    listed = ",".join(["-all", *(f"+{n}" for n in names)])
    return (
        "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
        f"--inh-caps={listed}", f"--ambient-caps={listed}", f"--bounding-set={listed}",
    )


def show(*arguments, prefix=()):
    """The pids that respond, and stderr, without access to the build folder."""
    done = subprocess.run(
        [*prefix, EXPORTER, "show", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    return {int(line[0]) for line in lines if "MiB" in line}, done.stderr


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"(?m)^(\w+):\s*(.*)$", text))


def connector_of(exporter):
    (pid,) = pathlib.Path(
        f"/proc/{exporter.process.pid}/task/{exporter.process.pid}/children"
    ).read_text().split()
    return int(pid)


def up(exporter):
    """The pids of `jemalloc_up` 1, and the namespaces by state."""
    text = get(exporter.url + "/metrics").text
    pids = re.findall(r'(?m)^jemalloc_up\{.*pid="(\d+)"\} 1$', text)
    states = re.findall(
        r'(?m)^jemalloc_exporter_network_namespaces\{state="(\w+)"\} (\d+)$', text
    )
    return {int(pid) for pid in pids}, {state: int(n) for state, n in states}


class AllNamespaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = {}
        for name, command in {
            "own": (),
            "network": NETWORK,
            "root's user": ROOT_USER_NAMESPACE,
            "user": USER_NAMESPACE,
        }.items():
            host = resting(command=command)
            cls.addClassCleanup(host.__exit__)
            cls.hosts[name] = host.pid
        cls.all = set(cls.hosts.values())
        cls.own = {cls.hosts["own"]}

    def shown(self, *prefix):
        pids, err = show(OPTION, prefix=prefix)
        return pids & self.all, err

    def exporter(self, *prefix):
        exporter = Exporter(OPTION, program=(*prefix, EXPORTER))
        self.addCleanup(exporter.__exit__)
        return exporter

    def test_shows_the_processes_of_all_namespaces(self):
        self.assertEqual(self.shown(), (self.all, ""))
        self.assertEqual(show()[0] & self.all, self.own)

    def test_shows_a_process_of_another_namespace_by_its_pid(self):
        for name, pid in self.hosts.items():
            code, out, err = run("show", OPTION, "--pid", str(pid), "--format=json")
            self.assertEqual((code, err), (0, ""), name)
            self.assertIn('"allocated_bytes":', out)

    def test_serves_the_processes_of_all_namespaces_in_one_scrape(self):
        exporter = self.exporter()
        pids, states = up(exporter)
        self.assertEqual(pids & self.all, self.all)
        self.assertGreaterEqual(states["read"], len(self.all))
        self.assertEqual(states["denied"], 0)
        text = get(exporter.url + "/metrics").text
        for pid in self.all:
            self.assertRegex(text, rf'_resident_memory_bytes\{{.*pid="{pid}"\}} \d')

    def test_has_no_series_of_namespaces_without_the_option(self):
        with Exporter() as exporter:
            text = get(exporter.url + "/metrics").text
        self.assertNotIn("network_namespaces", text)

    def test_keeps_the_capabilities_in_the_connector_only(self):
        exporter = self.exporter()
        server = status(exporter.process.pid)
        self.assertEqual(server["Uid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(server["Gid"].split(), [str(NOBODY)] * 4)
        for each in ("CapPrm", "CapEff", "CapAmb", "CapInh"):
            self.assertEqual(int(server[each], 16), 0, each)
        connector = status(connector_of(exporter))
        for each in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(connector[each], MASK, each)
        self.assertEqual(connector["Threads"], "1")
        for of in (server, connector):
            self.assertEqual(of["NoNewPrivs"], "1")

    def test_has_a_small_connector(self):
        exporter = self.exporter()
        for _ in range(10):
            up(exporter)
        connector = connector_of(exporter)
        wait_for(
            lambda: int(status(connector)["VmRSS"].split()[0]) <= MAX_CONNECTOR_RSS_KIB,
            "small connector between scrapes",
        )

    def test_serves_all_as_a_user_with_ambient_capabilities(self):
        prefix = with_ambient(536, *CAPABILITIES)
        self.assertEqual(self.shown(*prefix), (self.all, ""))
        exporter = self.exporter(*prefix)
        self.assertEqual(up(exporter)[0] & self.all, self.all)
        self.assertEqual(status(exporter.process.pid)["Uid"].split(), ["536"] * 4)
        self.assertEqual(int(status(connector_of(exporter))["CapAmb"], 16), 0)

    def test_names_each_missing_capability_and_serves_the_rest(self):
        expected = {
            "sys_admin": self.own,
            # A user may read what is in the user namespaces that it owns.
            "sys_ptrace": self.own | {self.hosts["root's user"]},
            "setuid": self.all - {self.hosts["user"]},
        }
        for missing, pids in expected.items():
            rest = [name for name in CAPABILITIES if name != missing]
            prefix = with_capabilities(*rest)
            found, err = self.shown(*prefix)
            self.assertEqual(found, pids, missing)
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertIn(f"no CAP_{missing.upper()}\n", err)
            exporter = self.exporter(*prefix)
            self.assertEqual(up(exporter)[0] & self.all, pids, missing)
            exporter.read_log()
            warnings = re.findall(r"level=warn .*", exporter.log)
            self.assertEqual(len(warnings), 1, exporter.log)
            self.assertIn(f"no CAP_{missing.upper()}", warnings[0])
            self.assertEqual(exporter.stop(), 0)

    def test_counts_denied_namespaces(self):
        for missing in ("sys_admin", "sys_ptrace"):
            rest = [name for name in CAPABILITIES if name != missing]
            _, states = up(self.exporter(*with_capabilities(*rest)))
            # Those of the three hosts in others, and of other tests.
            self.assertGreaterEqual(states["read"] + states["denied"], 4, missing)
            self.assertGreaterEqual(states["denied"], 1, missing)

    def test_serves_its_own_namespace_on_a_kernel_without_setns(self):
        launcher = os.path.join(HOSTS, "seccomp_launcher")
        found, err = self.shown(launcher, "enosys:setns")
        self.assertEqual(found, self.own)
        self.assertEqual(
            err,
            "jemalloc_exporter: not all network namespaces are served: setns: "
            "Function not implemented\n",
        )

    def test_serves_its_own_namespace_where_links_are_denied_as_by_apparmor(self):
        launcher = os.path.join(HOSTS, "seccomp_launcher")
        found, err = self.shown(launcher, "eacces:readlinkat")
        self.assertEqual(found, self.own)
        self.assertRegex(err, r"^jemalloc_exporter: .*\d+ denied .*AppArmor\n$")

    def test_serves_all_where_proc_hides_processes(self):
        """Root has access to them; the server, without rights, logs a warning."""
        mounts = ("unshare", "--mount", "sh", "-c",
                  'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh")
        self.assertEqual(self.shown(*mounts), (self.all, ""))
        exporter = self.exporter(*mounts)
        self.assertEqual(up(exporter)[0] & self.all, self.all)
        exporter.read_log()
        self.assertRegex(exporter.log, r"level=warn .*hidepid")

    def test_survives_the_end_of_its_connector(self):
        exporter = self.exporter()
        _, before = up(exporter)
        os.kill(connector_of(exporter), signal.SIGKILL)
        pids, states = up(exporter)
        self.assertEqual(pids & (self.all - self.own), set())
        self.assertEqual(states["read"], 1)
        self.assertEqual(states["denied"], before["read"] - 1)
        up(exporter)
        self.assertEqual(exporter.stop(), 0)
        self.assertEqual(len(re.findall(r"Connector ended", exporter.log)), 1)

    def test_ends_the_connector_with_the_server(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            exporter = self.exporter()
            connector = connector_of(exporter)
            exporter.stop(number)
            wait_for(lambda pid=connector: not os.path.exists(f"/proc/{pid}"))

    def test_leaves_signals_of_the_process_group_to_the_server(self):
        exporter = self.exporter()
        connector = connector_of(exporter)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(connector, number)
        self.assertEqual(up(exporter)[0] & self.all, self.all)

    def test_is_rejected_with_exec(self):
        code, _, err = run("exec", OPTION, "--", "true")
        self.assertEqual(code, 2)
        self.assertIn("cannot be used with exec", err)


if __name__ == "__main__":
    unittest.main()

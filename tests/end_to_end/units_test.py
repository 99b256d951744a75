"""The units of systemd agree with what the project installs and with what it does."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from programs import EXPORTER

HOME = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(EXPORTER).parents[1]
SERVICE = "usr/local/lib/systemd/system/jemalloc_exporter.service"
DROP_IN = "redis-server.service.d/jemalloc_exporter.conf"
PROFILE_DROP_IN = "usr/local/share/jemalloc_exporter/jemalloc_profile.conf"
INSTALLED_DROP_IN = f"usr/local/share/jemalloc_exporter/{DROP_IN}"
MAX_EXPOSURE = 15  # In tenths.
ALL_NAMESPACES = "jemalloc_exporter.service.d/all-namespaces.conf"
MAX_EXPOSURE_OF_ALL_NAMESPACES = 25


def need(tool, package):
    if not shutil.which(tool):
        sys.exit(f"units_test: no {tool}; it is in Debian's package {package}")


def setUpModule():
    """A machine in a folder: Debian's units, what the project installs, and the
    drop-in."""
    need("systemd-analyze", "systemd")
    need("redis-server", "redis-server")
    global MACHINE
    MACHINE = pathlib.Path(tempfile.mkdtemp())
    unittest.addModuleCleanup(shutil.rmtree, MACHINE)
    units = "usr/lib/systemd/system"
    shutil.copytree(f"/{units}", MACHINE / units, symlinks=True)
    (MACHINE / "usr/bin").mkdir()
    shutil.copy(shutil.which("redis-server"), MACHINE / "usr/bin")
    install = ["cmake", "--install", BUILD, "--component", "runtime"]
    subprocess.run(
        [*install, "--prefix", "/usr/local"],
        env={**os.environ, "DESTDIR": str(MACHINE)},
        check=True,
        capture_output=True,
    )
    placed = MACHINE / "etc/systemd/system" / DROP_IN
    placed.parent.mkdir(parents=True)
    shutil.copy(MACHINE / INSTALLED_DROP_IN, placed)
    shutil.copy(MACHINE / PROFILE_DROP_IN, placed.parent)


def on_machine(path):
    return MACHINE / path.lstrip("/")


def systemd(tool, *args):
    """Exit status, stdout and stderr of a tool of systemd's at the machine."""
    done = subprocess.run(
        [f"systemd-{tool}", f"--root={MACHINE}", *args],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def settings(path):
    """The values of each setting of a unit, all of one name as one list."""
    values = {}
    for line in on_machine(path).read_text().splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            values.setdefault(name, []).extend(value.split())
    return values


def system_user():
    """Name and number, as systemd understands them."""
    _, out, err = systemd("sysusers", "--dry-run", "jemalloc_exporter.conf")
    user = re.search(r"Creating user '(\w+)' .* with UID (\d+)", out + err)
    return user.groups()


def verified(unit):
    return systemd("analyze", "--man=no", "verify", unit)


def allow_uid_variable():
    header = (HOME / "exporter/agent/uid_allowlist.h").read_text()
    return re.search(r'kAllowUidVariable = "(\w+)"', header).group(1)


def exposure(limit):
    """The status, 0 up to the limit, and the output of systemd."""
    threshold = f"--threshold={limit}"
    options = ("--offline=true", threshold, "jemalloc_exporter.service")
    return systemd("analyze", "security", *options)[:2]


class Service(unittest.TestCase):
    def test_is_valid_where_it_is_installed(self):
        self.assertEqual(verified("jemalloc_exporter.service"), (0, "", ""))

    def test_is_little_exposed(self):
        status, out = exposure(MAX_EXPOSURE)
        self.assertRegex(out, "Overall exposure level")
        self.assertEqual(status, 0, out)

    def test_may_do_what_a_scrape_takes(self):
        unit = settings(SERVICE)
        self.assertEqual(
            set(unit["RestrictAddressFamilies"]), {"AF_UNIX", "AF_INET", "AF_INET6"}
        )
        self.assertEqual(unit.get("ProcSubset", ["all"]), ["all"])
        self.assertEqual(unit.get("ProtectProc", ["default"]), ["default"])
        self.assertNotIn("PrivateNetwork", unit)

    def test_runs_as_the_user_that_is_installed(self):
        name, _ = system_user()
        self.assertEqual(settings(SERVICE)["User"], [name])


class AllNamespaces(unittest.TestCase):
    """The service with the drop-in for all network namespaces."""

    @classmethod
    def setUpClass(cls):
        cls.path = f"usr/local/share/jemalloc_exporter/{ALL_NAMESPACES}"
        placed = MACHINE / "etc/systemd/system" / ALL_NAMESPACES
        placed.parent.mkdir(parents=True)
        cls.addClassCleanup(shutil.rmtree, placed.parent)
        shutil.copy(MACHINE / cls.path, placed)
        cls.drop_in = settings(cls.path)

    def test_is_valid_where_it_is_installed(self):
        self.assertEqual(verified("jemalloc_exporter.service"), (0, "", ""))

    def test_is_exposed_by_its_capabilities_only(self):
        status, out = exposure(MAX_EXPOSURE_OF_ALL_NAMESPACES)
        self.assertRegex(out, "Overall exposure level")
        self.assertEqual(status, 0, out)

    def test_sets_the_option_that_the_exporter_has(self):
        (variable,) = self.drop_in["Environment"]
        help_text = subprocess.check_output([EXPORTER, "--help"], text=True)
        name = variable.removesuffix("=true")
        self.assertIn(name, help_text)

    def test_has_exactly_the_capabilities_of_the_connector(self):
        source = (HOME / "exporter/connector/capabilities.cc").read_text()
        names = re.findall(r'"(CAP_\w+)"', source)
        for setting in ("AmbientCapabilities", "CapabilityBoundingSet"):
            self.assertEqual(self.drop_in[setting], names)
        self.assertEqual(self.drop_in["PrivateUsers"], ["no"])

    def test_permits_the_system_calls_of_the_connector(self):
        listed = set()
        for call in settings(SERVICE)["SystemCallFilter"]:
            removed = call.startswith("~") or (listed and call == "@resources")
            calls = self.calls_of(call.lstrip("~"))
            listed = listed - calls if removed else listed | calls
        for call in self.drop_in["SystemCallFilter"]:
            listed.add(call)
        needed = {"setns", "setresuid", "capset", "socketpair", "prctl", "fork"}
        self.assertLessEqual(needed, listed)
        self.assertEqual(self.drop_in["RestrictNamespaces"], ["net"])

    def calls_of(self, group):
        """The system calls of a group, and of those that it includes."""
        if not group.startswith("@"):
            return {group}
        out = subprocess.check_output(
            ["systemd-analyze", "--no-pager", "syscall-filter", group], text=True
        )
        lines = [line.strip() for line in out.splitlines()[1:]]
        names = [line for line in lines if line and not line.startswith("#")]
        return set().union(*(self.calls_of(name) for name in names))


class DropIn(unittest.TestCase):
    def test_is_valid_where_it_is_installed(self):
        self.assertEqual(verified("redis-server.service"), (0, "", ""))

    def test_preloads_the_agent_that_is_installed_and_may_map_it(self):
        unit = settings(INSTALLED_DROP_IN)
        (preload,) = re.findall(r"LD_PRELOAD=(\S+)", " ".join(unit["Environment"]))
        self.assertTrue(on_machine(preload).is_file(), preload)
        # The hyphen: the service starts also where the folder is missing.
        self.assertEqual(unit["ExecPaths"], ["-" + os.path.dirname(preload)])

    def test_of_profiles_enables_them(self):
        self.assertEqual(settings(PROFILE_DROP_IN)["Environment"], ["MALLOC_CONF=prof:true"])

    def test_allows_the_user_that_is_installed(self):
        _, number = system_user()
        (allowed,) = re.findall(
            rf"{allow_uid_variable()}=(\S+)",
            " ".join(settings(INSTALLED_DROP_IN)["Environment"]),
        )
        self.assertIn(number, allowed.split(","))


if __name__ == "__main__":
    unittest.main()

"""The maintainer scripts of the Debian package, with stubs for systemd's tools:
which of them each script calls, on a machine that systemd runs and on another."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "exporter/packaging/deb"
UNIT = "jemalloc_exporter.service"
TOOLS = ("deb-systemd-helper", "deb-systemd-invoke", "systemctl", "systemd-sysusers")
# Fails where its name, or its second argument, is in $failing.
STUB = """#!/bin/sh
echo "${0##*/} $*" >>"$calls"
case " $failing " in *" ${0##*/} "* | *" $2 "*) exit 1 ;; esac
"""
# sd_booted(3)
BOOTED = "/run/systemd/system"

USER = "systemd-sysusers jemalloc_exporter.conf"
UNMASK = f"deb-systemd-helper unmask {UNIT}"
WAS_ENABLED = f"deb-systemd-helper --quiet was-enabled {UNIT}"
ENABLE = f"deb-systemd-helper enable {UNIT}"
UPDATE_STATE = f"deb-systemd-helper update-state {UNIT}"
RELOAD = "systemctl --system daemon-reload"


class MaintainerScripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tools = pathlib.Path(folder.name) / "bin"
        self.tools.mkdir()
        self.calls = pathlib.Path(folder.name) / "calls"
        for name in TOOLS:
            (self.tools / name).write_text(STUB)
            (self.tools / name).chmod(0o755)

    def run_script(self, name, *arguments, booted=True, failing="none"):
        """Its exit status and the calls that it made."""
        self.calls.write_text("")
        prepare = "/bin/mount -t tmpfs tmpfs /run; "
        prepare += f"/bin/mkdir -p {BOOTED}; " if booted else ""
        done = subprocess.run(
            ["unshare", "--mount", "/bin/sh", "-ec", prepare + 'PATH=$tools exec "$@"',
             "sh", SCRIPTS / name, *arguments],
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "tools": self.tools, "calls": self.calls,
                 "failing": failing},
            timeout=60,
        )  # fmt: skip
        self.assertEqual(done.stderr, "")
        return done.returncode, self.calls.read_text().splitlines()

    def test_begin_the_service_with_the_installation(self):
        self.assertEqual(
            self.run_script("postinst", "configure", ""),
            (0, [USER, UNMASK, WAS_ENABLED, ENABLE, RELOAD,
                 f"deb-systemd-invoke start {UNIT}"]),
        )  # fmt: skip

    def test_restart_the_service_in_an_upgrade(self):
        self.assertEqual(self.run_script("prerm", "upgrade", "2.0"), (0, []))
        self.assertEqual(self.run_script("postrm", "upgrade", "2.0"), (0, [RELOAD]))
        status, calls = self.run_script("postinst", "configure", "1.0")
        self.assertEqual(status, 0)
        self.assertEqual(calls[-2:], [RELOAD, f"deb-systemd-invoke restart {UNIT}"])

    def test_keep_the_service_disabled(self):
        self.assertEqual(
            self.run_script("postinst", "configure", "1.0", failing="was-enabled")[1][:4],
            [USER, UNMASK, WAS_ENABLED, UPDATE_STATE],
        )

    def test_repair_what_was_not_removed(self):
        for action in ("abort-upgrade", "abort-deconfigure", "abort-remove"):
            with self.subTest(action):
                status, calls = self.run_script("postinst", action, "1.0")
                self.assertEqual((status, calls[0]), (0, USER))
        self.assertEqual(self.run_script("postinst", "triggered", "x"), (0, []))

    def test_end_the_service_with_the_removal_only(self):
        self.assertEqual(
            self.run_script("prerm", "remove"), (0, [f"deb-systemd-invoke stop {UNIT}"])
        )
        self.assertEqual(self.run_script("prerm", "deconfigure"), (0, []))

    def test_remove_the_state_of_the_unit_in_a_purge_only(self):
        self.assertEqual(self.run_script("postrm", "remove"), (0, [RELOAD]))
        self.assertEqual(
            self.run_script("postrm", "purge"),
            (0, [RELOAD, f"deb-systemd-helper purge {UNIT}", UNMASK]),
        )
        (self.tools / "deb-systemd-helper").unlink()
        self.assertEqual(self.run_script("postrm", "purge"), (0, [RELOAD]))

    def test_control_no_service_where_systemd_does_not_run(self):
        self.assertEqual(
            self.run_script("postinst", "configure", "", booted=False),
            (0, [USER, UNMASK, WAS_ENABLED, ENABLE]),
        )
        self.assertEqual(self.run_script("prerm", "remove", booted=False), (0, []))
        self.assertEqual(self.run_script("postrm", "remove", booted=False), (0, []))

    def test_fail_without_the_user_alone(self):
        others = "deb-systemd-helper deb-systemd-invoke systemctl"
        for script, action in (("postinst", "configure"), ("prerm", "remove"),
                               ("postrm", "purge")):  # fmt: skip
            with self.subTest(script):
                self.assertEqual(self.run_script(script, action, failing=others)[0], 0)
        self.assertEqual(
            self.run_script("postinst", "configure", failing="systemd-sysusers"),
            (1, [USER]),
        )


if __name__ == "__main__":
    unittest.main()

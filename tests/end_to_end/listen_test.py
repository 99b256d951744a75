"""Where the exporter listens, besides one TCP address."""

import grp
import os
import shutil
import subprocess
import tempfile
import unittest

from programs import CLEAN_ENV, EXPORTER, Exporter, get, run, wait_for


def get_by_socket(path):
    """The body of /-/healthy at a Unix socket."""
    done = subprocess.run(
        ["curl", "--silent", "--unix-socket", path, "http://localhost/-/healthy"],
        capture_output=True,
        check=False,
    )
    return done.stdout


class SeveralAddresses(unittest.TestCase):
    def test_are_all_served(self):
        with Exporter(
            "--web.listen-address=127.0.0.1:0", address="[::1]:0"
        ) as exporter:
            pattern = r"msg=Listening address=(\S+:\d+)(?s:.*)address=(\S+:\d+)"
            addresses = exporter.await_log(pattern).groups()
            self.assertEqual(len(set(addresses)), 2)
            for address in addresses:
                self.assertEqual(get(f"http://{address}/-/healthy").status, 200)

    def test_are_all_or_none(self):
        with Exporter() as exporter:
            status, _, error = run(
                "--web.listen-address=127.0.0.1:0",
                f"--web.listen-address=127.0.0.1:{exporter.port}",
            )
            self.assertEqual(
                (status, error),
                (
                    1,
                    "jemalloc_exporter: cannot listen on "
                    f"127.0.0.1:{exporter.port}: Address already in use\n",
                ),
            )


class UnixSocket(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.path = os.path.join(folder, "web.sock")

    def test_is_served_and_removed_at_the_end(self):
        with Exporter(f"--web.listen-address=unix:{self.path}") as exporter:
            self.assertEqual(get_by_socket(self.path), b"Healthy\n")
            self.assertEqual(exporter.stop(), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_has_the_mode_and_group_of_its_options(self):
        group = grp.getgrgid(os.getgid()).gr_name
        address = f"unix:{self.path},mode=0640,group={group}"
        for options, env in (
            ([f"--web.listen-address={address}"], {}),
            (["--web.listen-address", address], {}),
            ([], {"JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS": f"{address},127.0.0.1:0"}),
        ):
            with self.subTest(options=options, env=env), Exporter(
                *options, env=env, address=None if env else "127.0.0.1:0"
            ):
                self.assertEqual(get_by_socket(self.path), b"Healthy\n")
                self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o640)

    def test_is_removed_if_another_address_fails(self):
        for other in ("127.0.0.1:x", "unix:@name"):
            with self.subTest(other=other):
                status, _, _ = run(
                    f"--web.listen-address=unix:{self.path}",
                    f"--web.listen-address={other}",
                )
                self.assertEqual(status, 1)
                self.assertFalse(os.path.exists(self.path))

    def test_is_taken_over_from_an_exporter_that_was_killed(self):
        with Exporter(f"--web.listen-address=unix:{self.path}") as exporter:
            exporter.stop(9)
        self.assertTrue(os.path.exists(self.path))
        with Exporter(f"--web.listen-address=unix:{self.path}"):
            self.assertEqual(get_by_socket(self.path), b"Healthy\n")


class SystemdSocket(unittest.TestCase):
    def test_is_served(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "socket")
        # systemd's own tool for this: it hands the socket over at the first
        # connection.
        activation = subprocess.Popen(
            [
                "systemd-socket-activate", f"--listen={path}",
                EXPORTER, "--web.systemd-socket",
            ],
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(activation.wait)
        self.addCleanup(activation.kill)

        wait_for(lambda: os.path.exists(path), "socket")
        self.assertEqual(get_by_socket(path), b"Healthy\n")

    def test_is_missed(self):
        self.assertEqual(
            run("--web.systemd-socket"),
            (1, "", "jemalloc_exporter: systemd hands over no sockets\n"),
        )


if __name__ == "__main__":
    unittest.main()

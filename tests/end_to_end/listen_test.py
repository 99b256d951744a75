"""Where the exporter listens, besides one TCP address."""

import os
import shutil
import subprocess
import tempfile
import unittest

from programs import CLEAN_ENV, EXPORTER, Exporter, free_port, get, run, wait_for


class SeveralAddresses(unittest.TestCase):
    def test_are_all_served(self):
        first, second = free_port(), free_port()
        with Exporter(
            f"--web.listen-address=127.0.0.1:{first}", address=f"[::1]:{second}"
        ):
            for url in (f"http://127.0.0.1:{first}", f"http://[::1]:{second}"):
                self.assertEqual(get(url + "/-/healthy").status, 200)

    def test_are_all_or_none(self):
        with Exporter() as exporter:
            status, _, error = run(
                f"--web.listen-address=127.0.0.1:{free_port()}",
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

    def get(self):
        done = subprocess.run(
            [
                "curl", "--silent", "--unix-socket", self.path,
                "http://localhost/-/healthy",
            ],
            capture_output=True,
            check=False,
        )
        return done.stdout

    def test_is_served_and_removed_at_the_end(self):
        with Exporter(f"--web.listen-address=unix:{self.path}") as exporter:
            self.assertEqual(self.get(), b"Healthy\n")
            self.assertEqual(exporter.stop(), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_is_taken_over_from_an_exporter_that_was_killed(self):
        with Exporter(f"--web.listen-address=unix:{self.path}") as exporter:
            exporter.stop(9)
        self.assertTrue(os.path.exists(self.path))
        with Exporter(f"--web.listen-address=unix:{self.path}"):
            self.assertEqual(self.get(), b"Healthy\n")


class SystemdSocket(unittest.TestCase):
    def test_is_served(self):
        port = free_port()
        # systemd's own tool for this: it hands the socket over at the first
        # connection.
        activation = subprocess.Popen(
            [
                "systemd-socket-activate", f"--listen=127.0.0.1:{port}",
                EXPORTER, "--web.systemd-socket",
            ],
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(activation.wait)
        self.addCleanup(activation.kill)

        def answer():
            try:
                return get(f"http://127.0.0.1:{port}/-/healthy").text
            except OSError:
                return None  # Not listening yet.

        self.assertEqual(wait_for(answer, "answer"), "Healthy\n")

    def test_is_missed(self):
        self.assertEqual(
            run("--web.systemd-socket"),
            (1, "", "jemalloc_exporter: systemd hands over no sockets\n"),
        )


if __name__ == "__main__":
    unittest.main()

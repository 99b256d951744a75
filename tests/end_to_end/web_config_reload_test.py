"""--web.config.file: reload."""

import os
import re
import select
import shutil
import signal
import tempfile
import time
import unittest

from pki import Pki
from programs import EXPORTER, Exporter, wait_for
from prometheus_server import PrometheusServer
from web_config import TLS, USERS, WebConfigCase, hung_mount


class Reload(WebConfigCase):
    """A changed file takes effect within 2 s; a bad one never does."""

    def errors(self, exporter):
        """Returns the error lines so far, without time and level."""
        while select.select([exporter.process.stderr], [], [], 0)[0]:
            exporter.log += os.read(exporter.process.stderr.fileno(), 65536).decode()
        return re.findall(r"level=error (.*)", exporter.log)

    def await_errors(self, exporter, count):
        return wait_for(
            lambda: len(self.errors(exporter)) >= count and self.errors(exporter),
            f"{count} error lines",
        )

    def test_replaces_the_certificate(self):
        exporter = self.serve(TLS)
        self.assertIn("CN = server", self.s_client(exporter))
        self.pki.issue("renewed")
        for end in ("pem", "key"):
            os.rename(self.pki.path(f"renewed.{end}"), self.pki.path(f"server.{end}"))
        self.addCleanup(self.pki.issue, "server")
        exporter.await_log(r'(msg="Web configuration reloaded")')
        self.assertIn("CN = renewed", self.s_client(exporter))

    def test_replaces_the_users(self):
        exporter = self.serve(USERS)
        self.write(USERS.replace("prom", "new"))
        exporter.await_log(r'(msg="Web configuration reloaded")')
        self.assertEqual(
            self.curl(exporter, "--user", "prom:secret", scheme="http"), 401
        )
        self.assertEqual(
            self.curl(exporter, "--user", "new:secret", scheme="http"), 200
        )

    def test_tls_applies_to_new_connections(self):
        exporter = self.serve("")
        self.assertEqual(self.curl(exporter, scheme="http"), 200)
        self.write(TLS)
        exporter.await_log(r'(msg="Web configuration reloaded")')
        self.assertEqual(self.curl(exporter), 200)
        self.assertEqual(self.curl(exporter, scheme="http"), 0)

    def test_bad_file_keeps_the_last_version_and_logs_one_error(self):
        valid = (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus]\n" + USERS
        )
        exporter = self.serve(valid)
        self.pki.issue("expired", days=-1)
        self.addCleanup(self.pki.issue, "server")
        path = self.config

        # Each step is atomic: a reload sees the version before or the one after.
        def write(text):
            return lambda: self.write(text)

        def remove():
            os.remove(path)

        def make(kind):
            def replace():
                kind(path + ".new")
                os.rename(path + ".new", path)

            return replace

        def copy(source, name):
            shutil.copy(self.pki.path(source), self.pki.path(name + ".new"))
            os.rename(self.pki.path(name + ".new"), self.pki.path(name))

        def expire():
            copy("server.pem", "valid.pem")
            copy("expired.pem", "server.pem")
            self.write(valid)

        def replace_key():
            copy("valid.pem", "server.pem")
            copy("client.key", "server.key")

        def truncate():
            with open(self.pki.path("server.pem"), "r+") as file:
                file.truncate(100)

        def remove_key():
            os.remove(self.pki.path("server.key"))

        kinds = [
            (write(""), "empty"),
            (write("# basic_auth_users:\n"), None),  # The same error.
            (remove, "No such file"),
            (make(os.mkfifo), "not a regular file"),
            (write(valid + "---\n" + valid), "second document"),
            (write("tls_server_config: [\n"), "line 2"),
            (write(TLS + USERS), "client_auth_type"),
            (write(USERS), "tls_server_config"),
            (write(valid.replace(USERS, "")), "basic_auth_users"),
            (write(re.sub("  client_allowed.*\n", "", valid)), "client_allowed_sans"),
            (write("nonsense: 1\n"), "unknown key"),
            (make(lambda name: os.symlink("web.yml", name)), "symbolic link"),
            (make(lambda name: os.symlink(".", name)), "directory"),
            (expire, "cert: expired"),
            (replace_key, "key: does not belong to cert"),
            (truncate, "cert"),
            (remove_key, "server.key: No such file"),
        ]
        user = ("--user", "prom:secret")
        expected = []
        for spoil, error in kinds:
            spoil()
            if error:
                expected.append(error)
                errors = self.await_errors(exporter, len(expected))
                self.assertIn(error, errors[-1])
            else:
                time.sleep(2.5)
            self.assertEqual(self.curl(exporter, *user, client="client"), 200, error)
            self.assertEqual(self.curl(exporter, client="client"), 401, error)
            self.assertEqual(self.curl(exporter, *user), 0, error)
            self.assertEqual(self.curl(exporter, *user, client="other"), 0, error)
            self.assertEqual(self.curl(exporter, *user, scheme="http"), 0, error)
        time.sleep(2.5)
        errors = self.errors(exporter)
        self.assertEqual(len(errors), len(expected), errors)
        self.pki.issue("server")
        self.write(valid.replace("prom:", "new:"))
        exporter.await_log(r'(msg="Web configuration reloaded")')
        self.assertEqual(self.curl(exporter, "--user", "new:secret", client="client"), 200)

    def test_truncation_after_any_line_keeps_the_last_version(self):
        valid = USERS + TLS + (
            "  min_version: TLS13\n  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n"
        )
        exporter = self.serve(valid)
        lines = valid.splitlines(keepends=True)
        for count in reversed(range(len(lines))):
            with self.subTest(last=lines[count - 1] if count else None):
                self.write("".join(lines[:count]))
                seen = len(self.errors(exporter))
                exporter.process.send_signal(signal.SIGHUP)
                self.assertIn("not reloaded", self.await_errors(exporter, seen + 1)[-1])
                self.assertEqual(self.curl(exporter, "--user", "prom:secret"), 0)

    def test_fifo_blocks_no_request(self):
        exporter = self.serve(USERS)
        fifo = self.pki.path("fifo")
        os.mkfifo(fifo)
        os.rename(fifo, self.config)
        self.addCleanup(os.remove, self.config)
        self.await_errors(exporter, 1)
        self.assertEqual(self.curl(exporter, "--user", "prom:secret", scheme="http"), 200)

    def test_hung_mount_blocks_no_request(self):
        exporter = self.serve(USERS)
        with hung_mount() as mount:
            os.symlink(mount, self.config + ".new")
            os.rename(self.config + ".new", self.config)
            self.addCleanup(os.remove, self.config)
            deadline = time.monotonic() + 4
            while time.monotonic() < deadline:
                begin = time.monotonic()
                status = self.curl(exporter, "--user", "prom:secret", scheme="http")
                self.assertEqual(status, 200)
                self.assertLess(time.monotonic() - begin, 3)
            self.assertEqual(exporter.stop(), 0)

    def test_reads_a_pipe_once(self):
        path = self.pki.path("piped.yml")
        with open(path, "w") as file:
            file.write(USERS)
        exporter = Exporter(
            "--web.config.file=/dev/stdin",
            program=("bash", "-c", f'exec "$0" "$@" < <(cat {path})', EXPORTER),
        )
        self.addCleanup(exporter.__exit__)
        deadline = time.monotonic() + 3.5
        while time.monotonic() < deadline:
            self.assertEqual(self.curl(exporter, scheme="http"), 401)
        self.assertEqual(self.curl(exporter, "--user", "prom:secret", scheme="http"), 200)
        self.assertEqual(self.errors(exporter), [])
        exporter.process.send_signal(signal.SIGHUP)
        self.assertIn("/dev/stdin: a pipe is read once", self.await_errors(exporter, 1)[0])

    def test_empty_file_at_start_is_a_warning(self):
        for config in ("", "# nothing\n", "tls_server_config:\n"):
            exporter = self.serve(config)
            exporter.await_log(r'level=warn (msg="Web configuration is empty)')
            self.assertEqual(self.curl(exporter, scheme="http"), 200)


class RealPrometheus(WebConfigCase):
    """Scrapes over mutual TLS with a password, while all keys are replaced."""

    def start(self, exporter):
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {
                    "job_name": "jemalloc",
                    "scheme": "https",
                    "basic_auth": {"username": "prom", "password": "secret"},
                    "tls_config": {
                        "ca_file": self.pki.path("ca.pem"),
                        "cert_file": self.pki.path("client.pem"),
                        "key_file": self.pki.path("client.key"),
                    },
                    "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}],
                }
            ],
        }
        self.prometheus = PrometheusServer(config)
        self.prometheus.__enter__()
        self.addCleanup(self.prometheus.__exit__, None, None, None)

    def query(self, expression):
        """Returns the value; None before the first scrape."""
        result = self.prometheus.instant(expression)
        return float(result[0]["value"][1]) if result else None

    def await_scrapes(self, count):
        """`count` more of them."""
        before = self.query("count_over_time(up[1h])") or 0
        wait_for(
            lambda: (self.query("count_over_time(up[1h])") or 0) >= before + count,
            "scrapes",
        )

    def replace(self, name, text):
        with open(self.pki.path(name + ".new"), "w") as file:
            file.write(text)
        os.rename(self.pki.path(name + ".new"), self.pki.path(name))

    def read(self, name):
        with open(self.pki.path(name)) as file:
            return file.read()

    def await_reload(self, exporter):
        exporter.log = ""
        exporter.await_log(r'(msg="Web configuration reloaded")')

    def test_scrapes_while_certificates_are_replaced(self):
        self.pki = Pki(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.pki.folder)
        self.pki.issue("server")
        self.pki.issue("client", "DNS:prometheus", "clientAuth")
        exporter = self.serve(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus]\n" + USERS
        )
        self.start(exporter)
        wait_for(lambda: self.query("up == 1 and on() jemalloc_up"), "scrape over TLS")

        # Another authority: first trusted by both, then used, then alone.
        # Prometheus connects anew whenever its ca_file changes.
        other = Pki(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, other.folder)
        other.issue("server")
        other.issue("client", "DNS:prometheus", "clientAuth")
        with open(other.path("ca.pem")) as file:
            new_ca = file.read()
        self.replace("ca.pem", self.read("ca.pem") + new_ca)
        self.await_reload(exporter)
        self.await_scrapes(3)
        for name in ("client", "server"):
            for end in ("key", "pem"):
                os.rename(other.path(f"{name}.{end}"), self.pki.path(f"{name}.{end}"))
        self.await_reload(exporter)
        self.replace("ca.pem", new_ca)
        self.await_reload(exporter)
        self.await_scrapes(5)
        self.assertEqual(self.query("up"), 1)
        self.assertEqual(self.query("min_over_time(up[1h])"), 1)


if __name__ == "__main__":
    unittest.main()

"""--web.config.file: TLS, client certificates, passwords, and reload."""

import concurrent.futures
import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from pki import Pki
from programs import EXPORTER, Exporter, run, wait_for
from prometheus_server import PrometheusServer

# bcrypt of "secret" at the lowest cost.
HASH = "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy"
USERS = f"basic_auth_users:\n  prom: {HASH}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


@contextlib.contextmanager
def hung_mount():
    """A file system whose server never answers; takes root and /dev/fuse."""
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        raise unittest.SkipTest(f"no FUSE: {error}") from error
    folder = tempfile.mkdtemp()
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.mount(b"hung", folder.encode(), b"fuse", 0, options.encode()) != 0:
            raise unittest.SkipTest(f"no mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield os.path.join(folder, "web.yml")
        finally:
            # Ends what waits for an answer.
            os.close(fuse)
            fuse = None
            libc.umount2(folder.encode(), 2)  # MNT_DETACH
    finally:
        if fuse is not None:
            os.close(fuse)
        os.rmdir(folder)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.pki = Pki(cls.folder)
        cls.pki.issue("server")
        cls.pki.issue("client", "DNS:prometheus", "clientAuth")
        cls.pki.issue("other", "IP:10.0.0.1,email:a@b.c,URI:spiffe://x/y", "clientAuth")
        other = os.path.join(cls.folder, "elsewhere")
        os.mkdir(other)
        Pki(other).issue("client", "DNS:prometheus", "clientAuth")

    def serve(self, config, *options):
        """Starts an exporter with this configuration."""
        self.config = self.pki.path("web.yml")
        self.write(config)
        exporter = Exporter(f"--web.config.file={self.config}", *options)
        self.addCleanup(exporter.__exit__)
        return exporter

    def write(self, config):
        """Replaces the configuration atomically."""
        with open(self.config + ".new", "w") as file:
            file.write(config)
        os.rename(self.config + ".new", self.config)

    def curl(self, exporter, *options, client=None, scheme="https"):
        """Returns the status of /metrics; 0 without a response."""
        if client:
            options = (
                "--cert", self.pki.path(f"{client}.pem"),
                "--key", self.pki.path(f"{client}.key"),
                *options,
            )
        done = subprocess.run(
            [
                "curl", "--silent", "--max-time", "10", "--output", "/dev/null",
                "--write-out", "%{http_code}", "--cacert", self.pki.path("ca.pem"),
                *options, f"{scheme}://localhost:{exporter.port}/metrics",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(done.stdout)

    def s_client(self, exporter, *options):
        """Returns the output of openssl s_client."""
        done = subprocess.run(
            [
                "openssl", "s_client", "-connect", f"localhost:{exporter.port}",
                "-CAfile", self.pki.path("ca.pem"), *options,
            ],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return done.stdout


class Tls(Case):
    def test_default_versions_are_tls_1_2_and_1_3(self):
        exporter = self.serve(TLS)
        for version in ("1.2", "1.3"):
            self.assertEqual(
                self.curl(exporter, f"--tlsv{version}", "--tls-max", version), 200
            )
        self.assertEqual(
            self.curl(exporter, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"),
            0,
        )

    def test_plain_http_is_not_served(self):
        exporter = self.serve(TLS)
        self.assertEqual(self.curl(exporter, scheme="http"), 0)

    def test_max_version_is_respected(self):
        exporter = self.serve(TLS + "  max_version: TLS12\n")
        self.assertEqual(self.curl(exporter, "--tlsv1.3"), 0)
        self.assertEqual(self.curl(exporter), 200)

    def test_only_listed_suites_are_negotiated(self):
        exporter = self.serve(
            TLS + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
        )
        for version, cipher, taken in (
            ("-tls1_2", "ECDHE-ECDSA-AES256-GCM-SHA384", True),
            ("-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256", False),
        ):
            output = self.s_client(exporter, version, "-cipher", cipher)
            self.assertEqual(f"Cipher is {cipher}" in output, taken, output)

    def test_only_listed_curves_are_negotiated(self):
        exporter = self.serve(TLS + "  curve_preferences: [CurveP384]\n")
        self.assertIn("Server Temp Key: ECDH, secp384r1", self.s_client(exporter))
        output = self.s_client(exporter, "-groups", "X25519")
        self.assertIn("no peer certificate available", output)


class FailedHandshakes(Case):
    def test_are_logged_at_debug_level_with_the_peer(self):
        exporter = self.serve(TLS, "--log.level=debug")
        with socket.create_connection(("127.0.0.1", exporter.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            peer = f"127.0.0.1:{client.getsockname()[1]}"
            exporter.await_log(rf"(TLS handshake with {peer}: http request)")


class Libraries(unittest.TestCase):
    def test_program_is_linked_with_openssl_only(self):
        done = subprocess.run(
            ["ldd", EXPORTER], capture_output=True, text=True, check=True
        )
        self.assertIn("libssl.so.3", done.stdout)
        self.assertNotIn("gnutls", done.stdout)


class ClientCertificates(Case):
    def statuses(self, auth, more=""):
        """Returns them for a certificate, one of an unknown authority, and none."""
        exporter = self.serve(
            TLS + f"  client_auth_type: {auth}\n  client_ca_file: ca.pem\n" + more
        )
        return [
            self.curl(exporter, client=client)
            for client in ("client", "elsewhere/client", None)
        ]

    def test_request_accepts_all_clients(self):
        self.assertEqual(self.statuses("RequestClientCert"), [200, 200, 200])

    def test_require_any_rejects_clients_without_one(self):
        for name in ("RequireAnyClientCert", "RequireClientCert"):
            self.assertEqual(self.statuses(name), [200, 200, 0])

    def test_verify_if_given_rejects_unknown_authorities(self):
        self.assertEqual(self.statuses("VerifyClientCertIfGiven"), [200, 0, 200])

    def test_require_and_verify_accepts_known_authorities_only(self):
        self.assertEqual(self.statuses("RequireAndVerifyClientCert"), [200, 0, 0])

    def test_server_certificates_are_rejected(self):
        exporter = self.serve(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n"
        )
        self.assertEqual(self.curl(exporter, client="server"), 0)

    def test_allowed_sans_are_required(self):
        for names, expected in (
            ("[prometheus]", [200, 0]),
            ("[prom, x.prometheus]", [0, 0]),
            ("[10.0.0.1]", [0, 200]),
            ("[a@b.c]", [0, 200]),
            ("['spiffe://x/y']", [0, 200]),
            ("[other, prometheus, 10.0.0.1]", [200, 200]),
        ):
            exporter = self.serve(
                TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
                f"  client_ca_file: ca.pem\n  client_allowed_sans: {names}\n"
            )
            self.assertEqual(
                [self.curl(exporter, client=client) for client in ("client", "other")],
                expected,
                names,
            )


class BasicAuth(Case):
    def test_every_path_requires_a_password(self):
        exporter = self.serve(USERS)
        for path in ("/", "/metrics", "/-/healthy", "/none"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(exporter.url + path)
            with refused.exception as answer:
                self.assertEqual(answer.code, 401)
                self.assertEqual(
                    answer.headers["WWW-Authenticate"],
                    'Basic realm="jemalloc_exporter"',
                )

    def test_scrapers_with_one_password_share_its_verification(self):
        # bcrypt of "secret" at a cost of 12: a quarter of a second.
        slow = "$2b$12$ArBZvJ7gpOdbDOLlE8el8.s46R2eAukOpfX7RaTy7Xj8oFyJlIeI."
        exporter = self.serve(USERS.replace(HASH, slow))

        def scrape(_):
            return self.curl(exporter, "--user", "prom:secret", scheme="http")

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            self.assertEqual(set(pool.map(scrape, range(20))), {200})

    def test_password_is_verified(self):
        exporter = self.serve(USERS)
        for login, status in (
            ("prom:secret", 200),
            ("prom:secret", 200),  # Remembered.
            ("prom:wrong", 401),
            ("prom:wrong", 401),
            ("other:secret", 401),
            ("prom:", 401),
        ):
            self.assertEqual(
                self.curl(exporter, "--user", login, scheme="http"), status, login
            )


class Reload(Case):
    """A changed file takes effect within 2 s; a bad one never does."""

    def await_log(self, exporter, pattern):
        exporter.await_log(pattern)

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
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
        self.assertIn("CN = renewed", self.s_client(exporter))

    def test_replaces_the_users(self):
        exporter = self.serve(USERS)
        self.write(USERS.replace("prom", "new"))
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
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
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
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
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
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


class InvalidAtStart(Case):
    def assert_refused(self, config, error):
        path = self.pki.path("web.yml")
        with open(path, "w") as file:
            file.write(config)
        self.assertEqual(
            run("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"),
            (1, "", f"jemalloc_exporter: {path}: {error}\n"),
        )

    def test_error_names_file_line_and_key(self):
        self.assert_refused("tls: 1\n", "line 1: tls: unknown key")
        self.assert_refused(
            TLS.replace("server.key", "client.key"),
            "key: does not belong to cert",
        )
        self.assert_refused(
            TLS.replace("server.pem", "web.yml"),
            "cert: no certificate in PEM format",
        )
        self.assert_refused(
            TLS + "  cipher_suites: [TLS_NULL]\n",
            "cipher_suites: unknown value: TLS_NULL",
        )
        self.assert_refused(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: web.yml\n",
            "client_ca: no certificate in PEM format",
        )

    def test_second_document(self):
        self.assert_refused(
            USERS + "---\n" + TLS, "line 3: a second document; only one is allowed"
        )

    def test_user_name_with_a_colon(self):
        self.assert_refused(
            f"basic_auth_users:\n  'a:b': {HASH}\n",
            "line 2: basic_auth_users.a:b: a user name must not contain ':'",
        )

    def test_file_that_is_not_regular(self):
        fifo = self.pki.path("fifo")
        os.mkfifo(fifo)
        self.addCleanup(os.remove, fifo)
        for path in (fifo, "/dev/zero", "/dev/tty"):
            self.assertEqual(
                run("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"),
                (1, "", f"jemalloc_exporter: cannot read {path}: not a regular file\n"),
            )
        self.assert_refused(
            TLS.replace("server.pem", "fifo"),
            f"line 2: tls_server_config.cert_file: cannot read {fifo}:"
            " not a regular file",
        )

    def test_file_on_a_hung_mount(self):
        with hung_mount() as mount:
            self.assertEqual(
                run("--web.listen-address=127.0.0.1:0", f"--web.config.file={mount}"),
                (1, "", f"jemalloc_exporter: {mount}: not read within 5 s\n"),
            )

    def test_missing_file(self):
        path = self.pki.path("none.yml")
        self.assertEqual(
            run("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"),
            (
                1,
                "",
                f"jemalloc_exporter: cannot read {path}: No such file or directory\n",
            ),
        )


class ReadmeExamples(Case):
    """The examples of the README."""

    def setUp(self):
        for name in ("server", "ca"):
            shutil.copy(self.pki.path(f"{name}.pem"), self.pki.path(f"{name}.crt"))
        readme = os.path.join(os.path.dirname(__file__), "../../README.md")
        with open(readme) as file:
            self.examples = re.findall(
                r"```yaml\n(tls_server_config.*?)```", file.read(), re.DOTALL
            )

    def test_exporter_accepts_them(self):
        password, certificate = self.examples
        exporter = self.serve(password)
        self.assertEqual(self.curl(exporter, "--user", "prometheus:test"), 200)
        self.assertEqual(self.curl(exporter, "--user", "prometheus:other"), 401)
        exporter = self.serve(certificate)
        self.assertEqual(self.curl(exporter, client="client"), 200)
        self.assertEqual(self.curl(exporter), 0)

    def test_promtool_accepts_them(self):
        for example in self.examples:
            path = self.pki.path("documented.yml")
            with open(path, "w") as file:
                file.write(example)
            checked = subprocess.run(
                ["promtool", "check", "web-config", path],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(checked.returncode, 0, checked.stderr)


class RealPrometheus(Case):
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

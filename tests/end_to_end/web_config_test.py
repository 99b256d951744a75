"""TLS and passwords: what a scraper meets at an exporter with a web
configuration, and what becomes of changes to it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from pki import Pki
from programs import EXPORTER, Exporter, free_port, run, started, wait_for

# bcrypt of "secret", as cheap as can be.
HASH = "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy"
USERS = f"basic_auth_users:\n  prom: {HASH}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


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

    def serve(self, config):
        """An exporter with this configuration."""
        self.config = self.pki.path("web.yml")
        self.write(config)
        exporter = Exporter(f"--web.config.file={self.config}")
        self.addCleanup(exporter.__exit__)
        return exporter

    def write(self, config):
        """Takes the place of the configuration in one piece."""
        with open(self.config + ".new", "w") as file:
            file.write(config)
        os.rename(self.config + ".new", self.config)

    def curl(self, exporter, *options, client=None, scheme="https"):
        """The status of /metrics, 0 where there is no answer."""
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
        """What OpenSSL says of a handshake."""
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


class Encryption(Case):
    def test_is_tls_1_2_and_1_3_by_default(self):
        exporter = self.serve(TLS)
        for version in ("1.2", "1.3"):
            self.assertEqual(
                self.curl(exporter, f"--tlsv{version}", "--tls-max", version), 200
            )
        self.assertEqual(
            self.curl(exporter, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"),
            0,
        )

    def test_is_all_there_is(self):
        exporter = self.serve(TLS)
        self.assertEqual(self.curl(exporter, scheme="http"), 0)

    def test_has_the_versions_asked_for(self):
        exporter = self.serve(TLS + "  max_version: TLS12\n")
        self.assertEqual(self.curl(exporter, "--tlsv1.3"), 0)
        self.assertEqual(self.curl(exporter), 200)

    def test_has_the_suites_asked_for(self):
        exporter = self.serve(
            TLS + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
        )
        for version, cipher, taken in (
            ("-tls1_2", "ECDHE-ECDSA-AES256-GCM-SHA384", True),
            ("-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256", False),
        ):
            said = self.s_client(exporter, version, "-cipher", cipher)
            self.assertEqual(f"Cipher is {cipher}" in said, taken, said)

    def test_has_the_curves_asked_for(self):
        exporter = self.serve(TLS + "  curve_preferences: [CurveP384]\n")
        self.assertIn("Server Temp Key: ECDH, secp384r1", self.s_client(exporter))
        said = self.s_client(exporter, "-groups", "X25519")
        self.assertIn("no peer certificate available", said)


class Libraries(unittest.TestCase):
    def test_tls_is_of_openssl_alone(self):
        done = subprocess.run(
            ["ldd", EXPORTER], capture_output=True, text=True, check=True
        )
        self.assertIn("libssl.so.3", done.stdout)
        self.assertNotIn("gnutls", done.stdout)


class ClientCertificates(Case):
    def statuses(self, auth, more=""):
        """Of a client with a certificate, with one of an authority that is
        unknown, and without one."""
        exporter = self.serve(
            TLS + f"  client_auth_type: {auth}\n  client_ca_file: ca.pem\n" + more
        )
        return [
            self.curl(exporter, client=client)
            for client in ("client", "elsewhere/client", None)
        ]

    def test_may_be_asked_for(self):
        self.assertEqual(self.statuses("RequestClientCert"), [200, 200, 200])

    def test_may_be_required(self):
        for name in ("RequireAnyClientCert", "RequireClientCert"):
            self.assertEqual(self.statuses(name), [200, 200, 0])

    def test_may_be_verified_if_given(self):
        self.assertEqual(self.statuses("VerifyClientCertIfGiven"), [200, 0, 200])

    def test_may_be_required_and_verified(self):
        self.assertEqual(self.statuses("RequireAndVerifyClientCert"), [200, 0, 0])

    def test_must_be_for_clients(self):
        exporter = self.serve(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n"
        )
        self.assertEqual(self.curl(exporter, client="server"), 0)

    def test_must_have_an_allowed_name(self):
        for names, expected in (
            ("[prometheus]", [200, 0]),
            ("[prom, x.prometheus]", [0, 0]),
            ("[10.0.0.1]", [0, 200]),
            ("[a@b.c]", [0, 200]),
            ("['spiffe://x/y']", [0, 200]),
            ("[nobody, prometheus, 10.0.0.1]", [200, 200]),
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


class Passwords(Case):
    def test_are_asked_for_at_every_path(self):
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

    def test_open_or_not(self):
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


class Changes(Case):
    def await_log(self, exporter, pattern):
        """Knocks until the exporter says so."""

        def knocked():
            self.curl(exporter, scheme="http")
            self.curl(exporter)
            return True

        wait_for(knocked, "answer")
        time.sleep(1.1)
        knocked()
        exporter._await_log(pattern)

    def test_of_a_certificate_are_taken(self):
        exporter = self.serve(TLS)
        self.assertIn("CN = server", self.s_client(exporter))
        self.pki.issue("renewed")
        for end in ("pem", "key"):
            os.rename(self.pki.path(f"renewed.{end}"), self.pki.path(f"server.{end}"))
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
        self.assertIn("CN = renewed", self.s_client(exporter))
        self.pki.issue("server")

    def test_of_users_are_taken(self):
        exporter = self.serve(USERS)
        self.write(USERS.replace("prom", "new"))
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
        self.assertEqual(
            self.curl(exporter, "--user", "prom:secret", scheme="http"), 401
        )
        self.assertEqual(
            self.curl(exporter, "--user", "new:secret", scheme="http"), 200
        )

    def test_that_are_broken_leave_the_old_version_and_are_told_once(self):
        exporter = self.serve(USERS)
        self.write(USERS + "nonsense: 1\n")
        self.await_log(exporter, r"(not reloaded)")
        time.sleep(1.1)
        self.assertEqual(
            self.curl(exporter, "--user", "prom:secret", scheme="http"), 200
        )
        exporter.stop()
        self.assertEqual(
            re.findall(r"level=error.*", exporter.log),
            [
                'level=error msg="Web configuration not reloaded, the old one'
                f' holds" err="{self.config}: line 3: nonsense: unknown key"'
            ],
        )

    def test_to_tls_and_from_it_hold_for_new_connections(self):
        exporter = self.serve("")
        self.assertEqual(self.curl(exporter, scheme="http"), 200)
        self.write(TLS)
        self.await_log(exporter, r'(msg="Web configuration reloaded")')
        self.assertEqual(self.curl(exporter), 200)
        self.assertEqual(self.curl(exporter, scheme="http"), 0)


class Broken(Case):
    def assert_refused(self, config, error):
        path = self.pki.path("web.yml")
        with open(path, "w") as file:
            file.write(config)
        self.assertEqual(
            run("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"),
            (1, "", f"jemalloc_exporter: {path}: {error}\n"),
        )

    def test_is_said_at_the_start(self):
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
            "cipher_suites: no such value: TLS_NULL",
        )
        self.assert_refused(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: web.yml\n",
            "client_ca: no certificate in PEM format",
        )

    def test_is_a_file_that_is_not_there(self):
        path = self.pki.path("none.yml")
        self.assertEqual(
            run("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}"),
            (
                1,
                "",
                f"jemalloc_exporter: cannot read {path}: No such file or directory\n",
            ),
        )


class Documented(Case):
    """The examples of the README."""

    def setUp(self):
        for name in ("server", "ca"):
            shutil.copy(self.pki.path(f"{name}.pem"), self.pki.path(f"{name}.crt"))
        readme = os.path.join(os.path.dirname(__file__), "../../README.md")
        with open(readme) as file:
            self.examples = re.findall(
                r"```yaml\n(tls_server_config.*?)```", file.read(), re.DOTALL
            )

    def test_is_what_the_exporter_takes(self):
        password, certificate = self.examples
        exporter = self.serve(password)
        self.assertEqual(self.curl(exporter, "--user", "prometheus:test"), 200)
        self.assertEqual(self.curl(exporter, "--user", "prometheus:other"), 401)
        exporter = self.serve(certificate)
        self.assertEqual(self.curl(exporter, client="client"), 200)
        self.assertEqual(self.curl(exporter), 0)

    def test_is_what_promtool_takes(self):
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
    def test_scrapes_over_tls_with_a_certificate_and_a_password(self):
        exporter = self.serve(
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
            "  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus]\n" + USERS
        )
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
        folder = tempfile.mkdtemp()
        with open(os.path.join(folder, "prometheus.yml"), "w") as file:
            json.dump(config, file)  # JSON is YAML.
        port = free_port()
        prometheus = [
            "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        query = urllib.parse.urlencode({"query": "up == 1 and on() jemalloc_up"})

        def is_up():
            try:
                url = f"http://127.0.0.1:{port}/api/v1/query?{query}"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return json.load(answer)["data"]["result"]
            except OSError:
                return False  # Not listening yet.

        with started(prometheus, folder):
            wait_for(is_up, "scrape over TLS")


if __name__ == "__main__":
    unittest.main()

"""--web.config.file: TLS, client certificates, passwords."""

import concurrent.futures
import os
import re
import shutil
import socket
import subprocess
import unittest
import urllib.request

from programs import EXPORTER, FREE_PORT, run
from web_config import HASH, TLS, USERS, WebConfigCase, hung_mount


class Tls(WebConfigCase):
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


class FailedHandshakes(WebConfigCase):
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


class ClientCertificates(WebConfigCase):
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


class BasicAuth(WebConfigCase):
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


class InvalidAtStart(WebConfigCase):
    def assert_start_fails(self, path, error):
        self.assertEqual(
            run(FREE_PORT, f"--web.config.file={path}"),
            (1, "", f"jemalloc_exporter: {error}\n"),
        )

    def assert_refused(self, config, error):
        path = self.pki.path("web.yml")
        with open(path, "w") as file:
            file.write(config)
        self.assert_start_fails(path, f"{path}: {error}")

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
            self.assert_start_fails(path, f"cannot read {path}: not a regular file")
        self.assert_refused(
            TLS.replace("server.pem", "fifo"),
            f"line 2: tls_server_config.cert_file: cannot read {fifo}:"
            " not a regular file",
        )

    def test_file_on_a_hung_mount(self):
        with hung_mount() as mount:
            self.assert_start_fails(mount, f"{mount}: not read within 5 s")

    def test_missing_file(self):
        path = self.pki.path("none.yml")
        self.assert_start_fails(path, f"cannot read {path}: No such file or directory")


class ReadmeExamples(WebConfigCase):
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


if __name__ == "__main__":
    unittest.main()

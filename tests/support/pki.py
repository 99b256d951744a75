"""Keys and certificates for a test, made by OpenSSL in a folder of its own."""

import os
import subprocess


class Pki:
    """An authority; `issue` makes NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = folder
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem",
        )

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, sans="DNS:localhost,IP:127.0.0.1", usage="serverAuth", days=2):
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
            f"{name}.csr",
        )
        with open(self.path(f"{name}.ext"), "w") as extensions:
            extensions.write(f"subjectAltName={sans}\nextendedKeyUsage={usage}\n")
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-days", str(days), "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-extfile", f"{name}.ext",
            "-out", f"{name}.pem",
        )

    def _openssl(self, *arguments):
        subprocess.run(
            ["openssl", *arguments], cwd=self.folder, check=True,
            capture_output=True, stdin=subprocess.DEVNULL,
        )

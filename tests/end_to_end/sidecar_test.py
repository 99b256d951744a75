"""The exporter as a sidecar: in a container of its own that shares nothing with
the program's but the network namespace, as in a pod of Kubernetes. What a
container is here: a pid namespace with its own /proc, in which the program is
process 1."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from programs import EXPORTER, Exporter, get, started
from redis import Redis

AGENT = os.path.join(os.path.dirname(EXPORTER), "libjemalloc_exporter_agent.so")
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
SIDECAR_UID = 65534


def can_make_containers():
    made = subprocess.run([*CONTAINER, "true"], capture_output=True, check=False)
    return os.getuid() == 0 and made.returncode == 0


@unittest.skipUnless(can_make_containers(), "needs root, and leave for pid namespaces")
class Sidecar(unittest.TestCase):
    def setUp(self):
        # Where another user finds it, whoever owns the build folder.
        image = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, image)
        os.chmod(image, 0o755)
        exporter = shutil.copy(EXPORTER, image)
        ids = [f"--reuid={SIDECAR_UID}", f"--regid={SIDECAR_UID}", "--clear-groups"]
        # A change of user undoes --kill-child.
        user = ["setpriv", *ids, "--pdeathsig=KILL"]
        self.sidecar = [*CONTAINER, *user, exporter]

    def page_beside_redis(self, **environment):
        """What the sidecar serves, and what Redis says of its memory then."""
        redis = Redis()
        self.addCleanup(redis.close)
        environment["LD_PRELOAD"] = AGENT
        variables = [f"{name}={value}" for name, value in environment.items()]
        with started([*CONTAINER, "env", *variables, *redis.command]):
            redis.connect()
            with Exporter(program=self.sidecar) as exporter:
                page = get(exporter.url + "/metrics").text
                memory = redis.info("memory")
                exporter.stop(signal=9)  # unshare passes no other on.
        return page, memory

    def test_serves_the_program_with_the_pid_of_its_container(self):
        page, memory = self.page_beside_redis(JEMALLOC_EXPORTER_ALLOW_UID=SIDECAR_UID)
        redis = 'comm="redis-server",pid="1"'
        self.assertIn(f"jemalloc_up{{{redis}}} 1\n", page)
        active = re.search(rf"jemalloc_active_bytes{{{redis}}} (\d+)", page).group(1)
        theirs = int(memory["allocator_active"])
        self.assertAlmostEqual(int(active) / theirs, 1, delta=0.05)
        # It is process 1 of its own container, too.
        self.assertIn('jemalloc_up{comm="jemalloc_export",pid="1"} 1\n', page)

    def test_takes_no_number_of_another_process_for_the_program_s(self):
        page, _ = self.page_beside_redis(JEMALLOC_EXPORTER_ALLOW_UID=SIDECAR_UID)
        kernels = r'(?m)^jemalloc_process_\w+{comm="(.*)",pid="1"}'
        self.assertEqual(set(re.findall(kernels, page)), {"jemalloc_export"})

    def test_is_refused_unless_its_user_is_allowed(self):
        page, _ = self.page_beside_redis()
        self.assertIn('jemalloc_up{pid="1"} 0\n', page)
        self.assertNotIn("redis-server", page)


if __name__ == "__main__":
    unittest.main()

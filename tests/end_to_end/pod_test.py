"""The exporter in a container of a Kubernetes pod: it shares only the network
namespace with the program's container. Here a container is a pid namespace with
a /proc of its own, in which the program is process 1."""

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
EXPORTER_UID = 65534


def can_make_containers():
    made = subprocess.run([*CONTAINER, "true"], capture_output=True, check=False)
    return os.getuid() == 0 and made.returncode == 0


@unittest.skipUnless(can_make_containers(), "needs root and pid namespaces")
class ExporterInAPod(unittest.TestCase):
    def setUp(self):
        # The build folder may be unreadable for the exporter's user.
        image = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, image)
        os.chmod(image, 0o755)
        exporter = shutil.copy(EXPORTER, image)
        ids = [f"--reuid={EXPORTER_UID}", f"--regid={EXPORTER_UID}", "--clear-groups"]
        # A change of user undoes --kill-child.
        user = ["setpriv", *ids, "--pdeathsig=KILL"]
        self.exporter = [*CONTAINER, *user, exporter]

    def scrape_beside_redis(self, **environment):
        """Returns the metrics of a Redis in the same pod, and its INFO memory."""
        redis = Redis()
        self.addCleanup(redis.close)
        environment["LD_PRELOAD"] = AGENT
        variables = [f"{name}={value}" for name, value in environment.items()]
        with started([*CONTAINER, "env", *variables, *redis.command]):
            redis.connect()
            with Exporter(program=self.exporter) as exporter:
                page = get(exporter.url + "/metrics").text
                memory = redis.info("memory")
                exporter.stop(signal=9)  # unshare forwards no other signal.
        return page, memory

    def test_reports_the_pid_in_the_program_s_container(self):
        page, memory = self.scrape_beside_redis(JEMALLOC_EXPORTER_ALLOW_UID=EXPORTER_UID)
        redis = 'comm="redis-server",pid="1"'
        self.assertIn(f"jemalloc_up{{{redis}}} 1\n", page)
        active = re.search(rf"jemalloc_active_bytes{{{redis}}} (\d+)", page).group(1)
        expected = int(memory["allocator_active"])
        self.assertAlmostEqual(int(active) / expected, 1, delta=0.05)
        # The exporter is process 1 of its own container.
        self.assertIn('jemalloc_up{comm="jemalloc_export",pid="1"} 1\n', page)

    def test_reports_proc_data_of_its_own_container_only(self):
        page, _ = self.scrape_beside_redis(JEMALLOC_EXPORTER_ALLOW_UID=EXPORTER_UID)
        kernels = r'(?m)^jemalloc_process_\w+_(?:bytes|seconds){comm="(.*)",pid="1"}'
        self.assertEqual(set(re.findall(kernels, page)), {"jemalloc_export"})

    def test_is_rejected_by_the_agent_unless_its_uid_is_allowed(self):
        page, _ = self.scrape_beside_redis()
        self.assertIn('jemalloc_up{pid="1"} 0\n', page)
        self.assertNotIn("redis-server", page)


if __name__ == "__main__":
    unittest.main()

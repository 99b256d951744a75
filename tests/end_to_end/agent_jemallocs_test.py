"""The agent in programs whose jemalloc is static, prefixed, or not exported."""

import unittest

from agents import query, resting


class Served(unittest.TestCase):
    def assert_served(self, program):
        with resting(program=program) as host:
            response = query(host.pid)
        heap = response["heap_state"]
        self.assertEqual((response["pid"], response["state"]), (host.pid, "used"))
        self.assertRegex(response["jemalloc_version"], r"^5\.\d+\.\d+")
        self.assertGreater(heap["allocated_bytes"], 1 << 20)
        self.assertLess(heap["allocated_bytes"], 2 << 20)

    def test_exported_symbols_with_the_prefix_je(self):
        self.assert_served("agent_host_je")


if __name__ == "__main__":
    unittest.main()

"""The agent in programs whose jemalloc is static, prefixed, or not exported."""

import unittest

from agents import listening, query, resting

MIB = 1 << 20


class OneHeap(unittest.TestCase):
    def assert_served(self, program, **options):
        with resting(program=program, **options) as host:
            response = query(host.pid)
        heap = response["heap_state"]
        self.assertEqual((response["pid"], response["state"]), (host.pid, "used"))
        self.assertRegex(response["jemalloc_version"], r"^5\.\d+\.\d+")
        self.assertGreater(heap["allocated_bytes"], MIB)
        self.assertLess(heap["allocated_bytes"], 2 * MIB)
        self.assertNotIn("heaps", response)

    def test_exported_symbols_with_the_prefix_je(self):
        self.assert_served("agent_host_je")

    def test_exported_symbols_with_another_prefix(self):
        self.assert_served("agent_host_duckdb")

    def test_symbols_that_are_not_exported(self):
        self.assert_served("agent_host_rjem")

    def test_local_symbols(self):
        self.assert_served("agent_host_rjem_local")

    def test_symbols_without_the_siblings_of_mallctl(self):
        self.assert_served("agent_host_rjem_collected")

    # A small stack: the buffer for the program's file is not on it.
    def test_small_stack(self):
        self.assert_served("agent_host_rjem", command=("prlimit", "--stack=65536"))

    # The file that is executed, not the one that has its name.
    def test_file_that_was_replaced(self):
        script = (
            'copy=$(mktemp) && cp "$0" "$copy" && chmod 755 "$copy" &&'
            'exec 3<"$copy" && rm "$copy" && exec /proc/self/fd/3 "$@"'
        )
        self.assert_served("agent_host_rjem", command=("sh", "-c", script))

    def test_no_statistics(self):
        with resting(program="agent_host_no_statistics") as host:
            response = query(host.pid)
        heap = response["heap_state"]
        self.assertEqual(list(heap), ["active_bytes", "narenas"])
        self.assertGreaterEqual(heap["active_bytes"], MIB)
        self.assertLess(heap["active_bytes"], 2 * MIB)
        self.assertEqual(response["state"], "used")


class SeveralHeaps(unittest.TestCase):
    def heaps(self, program):
        with resting(program=program) as host:
            response = query(host.pid)
        first = response["heaps"][0]
        for key in ("jemalloc_version", "state", "heap_state"):
            self.assertEqual(response[key], first[key])
        return {
            heap["prefix"]: heap["heap_state"]["allocated_bytes"] // MIB
            for heap in response["heaps"]
        }

    def test_two_archives(self):
        self.assertEqual(self.heaps("agent_host_two"), {"je_": 1, "_rjem_": 3})

    def test_shared_library_and_archive(self):
        self.assertEqual(self.heaps("agent_host_beside"), {"": 3, "_rjem_": 1})


class NotServed(unittest.TestCase):
    def assert_not_served(self, program):
        with resting(program=program) as host:
            self.assertNotIn(str(host.pid), listening())

    def test_stripped(self):
        self.assert_not_served("agent_host_rjem_stripped")

    def test_static(self):
        self.assert_not_served("agent_host_static")


if __name__ == "__main__":
    unittest.main()

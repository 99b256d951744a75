"""The README says what is."""

import os
import re
import unittest

from programs import Exporter, get

ROOT = os.path.join(os.path.dirname(__file__), "../..")


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


README = read("README.md")


class Readme(unittest.TestCase):
    def test_has_every_metric_with_its_type_and_help_and_no_other(self):
        with Exporter() as exporter:
            page = get(exporter.url + "/metrics").text
        self.assertEqual(
            re.findall(r"(?m)^\| `(\w+)` \| (gauge|counter) \| (.*) \|$", README),
            [
                (name, kind, text)
                for name, text, kind in re.findall(
                    r"# HELP (\S+) (.*)\n# TYPE \S+ (\S+)", page
                )
            ],
        )

    def test_has_its_examples_from_the_programs_that_the_tests_build(self):
        examples = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL)
        self.assertGreaterEqual(len(examples), 2)
        for path, text in examples:
            self.assertEqual(text, read(path))

    def test_links_to_what_there_is(self):
        for target in re.findall(r"\]\((?!http)([^)#]+)", README):
            self.assertTrue(os.path.exists(os.path.join(ROOT, target)), target)


if __name__ == "__main__":
    unittest.main()

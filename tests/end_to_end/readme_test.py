"""The README agrees with the programs, and its commands work.

UPDATE_README=1 writes the tables of options and metrics into README.md."""

import glob
import os
import re
import unittest

from programs import Exporter, get, run

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


README = read("README.md")


def options(*command):
    """Rows of the table of the command's options, in the order of --help."""
    status, text, _ = run(*command, "--help")
    assert status == 0
    rows = []
    for option, kind, variable, meaning in re.findall(
        r"(?m)^  (--[\w.-]+) ?(.*?) ?\(Env:(\w+)\)\n +(.*)$", text
    ):
        kind = kind.removesuffix(" ...")
        if kind.startswith(",--no-"):
            option, kind = option.replace("--", "--[no-]", 1), ""
        kind, _, default = kind.partition("=")
        default = default.strip("[]")
        in_text = re.search(r" \(([^()]*[^.)])\)$", meaning)
        if in_text and not default:
            default = in_text[1]
            meaning = meaning[: in_text.start()]
        name = f"{option} {kind}".strip()
        row = [f"`{name}`", f"`{variable}`", default, meaning]
        rows.append("| " + " | ".join(c.replace("|", r"\|") for c in row) + " |")
    return ["| option | environment | default | meaning |", "|---|---|---|---|", *rows]


def families(*flags):
    with Exporter(*flags) as exporter:
        page = get(exporter.url + "/metrics").text
    return re.findall(r"# HELP (\S+) (.*)\n# TYPE \S+ (\S+)", page)


def metrics(rows):
    return [
        "| metric | type | meaning |",
        "|---|---|---|",
        *(f"| `{name}` | {kind} | {text} |" for name, text, kind in rows),
    ]


def default_metrics(of_exporter):
    return metrics(
        row
        for row in families()
        if row[0].startswith(("jemalloc_exporter_", "process_")) == of_exporter
    )


def details():
    default = families()
    flags = ("--collector.bins", "--collector.sizes", "--collector.locks")
    return metrics(row for row in families(*flags) if row not in default)


TABLES = {
    "options of serve": lambda: options(),
    "options of exec": lambda: options("exec"),
    "options of show": lambda: options("show"),
    "options of profile": lambda: options("profile"),
    "metrics of processes": lambda: default_metrics(False),
    "metrics of details": details,
    "metrics of the exporter": lambda: default_metrics(True),
}


class Tables(unittest.TestCase):
    def test_agree_with_the_program(self):
        text = README
        for name, rows in TABLES.items():
            pattern = rf"(<!-- {name} -->\n)((?:\|.*\n)*)"
            found = re.search(pattern, text)
            self.assertTrue(found, name)
            expected = "\n".join(rows()) + "\n"
            if "UPDATE_README" in os.environ:
                text = re.sub(
                    pattern, lambda m, e=expected: m[1] + e, text, count=1
                )
            else:
                self.assertEqual(found[2], expected, name)
        if text != README:
            with open(os.path.join(ROOT, "README.md"), "w", encoding="utf-8") as file:
                file.write(text)

    def test_have_every_variable_of_the_agent(self):
        protocol = "".join(read(p) for p in glob.glob("exporter/agent/*.h", root_dir=ROOT))
        protocol += "".join(
            read(p) for p in glob.glob("exporter/agent/*.cc", root_dir=ROOT)
        )
        variables = set(re.findall(r'"(JEMALLOC_EXPORTER_[A-Z_]+)"', protocol))
        self.assertGreaterEqual(len(variables), 1)
        for variable in variables:
            self.assertIn(f"`{variable}", README)


class Texts(unittest.TestCase):
    def test_examples_are_those_that_the_tests_build(self):
        examples = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL)
        self.assertGreaterEqual(len(examples), 3)
        for path, text in examples:
            self.assertEqual(text, read(path))

    def test_links_lead_to_files_and_headings(self):
        files = ["README.md", "dashboards/runbooks.md"]
        files += glob.glob(".github/*.md", root_dir=ROOT)
        for file in files:
            for target in re.findall(r"\]\((?!http)([^)]+)\)", read(file)):
                path, _, heading = target.partition("#")
                path = os.path.normpath(
                    os.path.join(os.path.dirname(file), path) if path else file
                )
                self.assertTrue(os.path.exists(os.path.join(ROOT, path)), (file, target))
                if heading:
                    headings = [
                        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                        for title in re.findall(r"(?m)^#+ (.*)$", read(path))
                    ]
                    self.assertIn(heading, headings, (file, target))

    def test_landing_page_links_to_a_heading(self):
        self.assertIn("\n### My process is not shown\n", README)


if __name__ == "__main__":
    unittest.main()

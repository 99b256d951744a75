"""Folders are the dependency graph: exporter includes collector, and a file
includes only from its own folder or from one below it in the lists here. Quoted
includes are rooted at the repository, or are public headers."""

import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ROOT", pathlib.Path(__file__).parents[2]))

# From the top to the bottom.
LAYERS = [
    "exporter/main.cc",
    "exporter/cli",
    "exporter/endpoints",
    "exporter/profile",
    "exporter/attach",
    "exporter/agent_client",
    "exporter/connector",
    "exporter/metrics",
    "exporter/process",
    "exporter/agent",
    "exporter/http_config",
    "exporter/http",
    "exporter/exposition",
    "exporter/text",
    "exporter/include",
    "collector/gtest",
    "collector/report",
    "collector/prometheus",
    "collector/text",
    "collector/jemalloc",
    "collector/include",
]
# The agent runs in other programs and needs libc only.
OF_AGENT = {"exporter/agent", "collector/text", "collector/jemalloc", "collector/include"}
# Made by CMake.
GENERATED = {"exporter/build_info.h"}


def folder(path):
    return "/".join(path.split("/")[:2])


def sources():
    for top in ("collector", "exporter"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".cc", ".h"):
                yield str(path.relative_to(ROOT))


def target(include):
    """The file that `include` names, relative to the root; None if it is not
    rooted."""
    if include in GENERATED or (ROOT / include).is_file():
        return include
    for top in ("collector", "exporter"):
        if (ROOT / top / "include" / include).is_file():
            return f"{top}/include/{include}"
    return None


def violations():
    """One line for each include that breaks a rule."""
    graph = {}
    for path in sources():
        here = folder(path)
        if here not in LAYERS:
            yield f"{path}: {here} is not in the list of folders"
            continue
        graph[path] = []
        text = (ROOT / path).read_text()
        for include in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
            there = target(include)
            if there is None:
                yield f'{path}: "{include}" is not rooted at the repository'
                continue
            if there in GENERATED:
                continue
            graph[path].append(there)
            if folder(there) not in LAYERS:
                yield f'{path}: "{include}" is in no folder of the list'
            elif LAYERS.index(folder(there)) < LAYERS.index(here):
                yield f'{path}: "{include}" is above {here}'
            elif here == "exporter/agent" and folder(there) not in OF_AGENT:
                yield f'{path}: "{include}" is not for the agent'
    yield from cycles(graph)


def cycles(graph):
    """Files that include themselves through others."""
    finished, path = set(), []

    def visit(file):
        if file in path:
            yield "cycle: " + " -> ".join(path[path.index(file) :] + [file])
        elif file not in finished:
            path.append(file)
            for included in graph.get(file, ()):
                yield from visit(included)
            path.pop()
            finished.add(file)

    for file in graph:
        yield from visit(file)


class Includes(unittest.TestCase):
    def test_point_downwards(self):
        found = list(violations())
        self.assertFalse(found, "\n" + "\n".join(found))


class Checker(unittest.TestCase):
    """The check finds what it is for, in a planted tree."""

    def check(self, files):
        global ROOT
        with tempfile.TemporaryDirectory() as tree:
            for path, text in files.items():
                file = pathlib.Path(tree, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            original, ROOT = ROOT, pathlib.Path(tree)
            try:
                return list(violations())
            finally:
                ROOT = original

    def test_accepts_includes_from_below(self):
        self.assertEqual(
            self.check(
                {
                    "exporter/cli/a.cc": '#include "exporter/http/b.h"\n'
                    '#include "jemalloc_exporter/c.h"\n',
                    "exporter/http/b.h": '#include "exporter/text/d.h"\n',
                    "exporter/text/d.h": "#include <string>\n",
                    "collector/include/jemalloc_exporter/c.h": "",
                }
            ),
            [],
        )

    def test_rejects_upward_includes(self):
        files = {"exporter/cli/a.h": "", "exporter/http/b.cc": ' # include "exporter/cli/a.h"\n'}
        self.assertEqual(
            self.check(files),
            ['exporter/http/b.cc: "exporter/cli/a.h" is above exporter/http'],
        )
        files = {"exporter/text/a.h": "", "collector/text/b.h": '#include "exporter/text/a.h"'}
        self.assertEqual(len(self.check(files)), 1)

    def test_rejects_includes_that_are_not_rooted(self):
        files = {"exporter/cli/a.h": "", "exporter/cli/b.h": '#include "a.h"\n'}
        self.assertEqual(len(self.check(files)), 1)

    def test_rejects_cycles(self):
        files = {
            "exporter/cli/a.h": '#include "exporter/cli/b.h"\n',
            "exporter/cli/b.h": '#include "exporter/cli/a.h"\n',
        }
        self.assertEqual(
            self.check(files),
            ["cycle: exporter/cli/a.h -> exporter/cli/b.h -> exporter/cli/a.h"],
        )

    def test_rejects_the_agent_s_dependencies_on_the_exporter(self):
        files = {"exporter/text/a.h": "", "exporter/agent/b.cc": '#include "exporter/text/a.h"'}
        self.assertEqual(len(self.check(files)), 1)

    def test_rejects_unknown_folders(self):
        self.assertEqual(len(self.check({"exporter/web/a.h": ""})), 1)


if __name__ == "__main__":
    unittest.main()

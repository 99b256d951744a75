"""What stands in dashboards/: that it is well made, and that all of it speaks of
the same names."""

import functools
import json
import pathlib
import re
import subprocess
import sys
import unittest

import dashboard_rules as rules
import promql
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "dashboards"
sys.path.insert(0, str(HOME / "preview"))
import preview  # noqa: E402

DASHBOARD = json.loads((HOME / "jemalloc.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((HOME / "jemalloc.rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
RECORDS = {rule["record"] for rule in RULES if "record" in rule}
# The sets of series that an exporter can leave out, with the series that the panels
# of each need.
COLLECTORS = {
    "activity": r"allocations_total|threads|zero_|purge|lock_|refresh|arenas_in",
    "options": r"options_info",
    "bins": r"bin_",
    "sizes": r"allocation_size_bytes",
    "locks": r"mutex_",
}
# What Prometheus itself writes down for every target.
OF_PROMETHEUS = {"up", "scrape_duration_seconds"}


@functools.cache
def exported():
    """The names of series in the sources, where each stands as a literal."""
    literal = re.compile(r'"((?:jemalloc|process)_\w+)"')
    return {
        name
        for folder in ("collector", "exporter")
        for source in (ROOT / folder).rglob("*")
        if source.suffix in {".cc", ".h"}
        for name in literal.findall(source.read_text())
    }


class Dashboard(unittest.TestCase):
    def test_is_generated_from_its_source(self):
        made = subprocess.run(
            ["jsonnet", HOME / "jsonnet" / "jemalloc.jsonnet"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertEqual(made, (HOME / "jemalloc.json").read_text())

    def test_source_is_formatted(self):
        sources = [str(s) for s in (HOME / "jsonnet").iterdir()]
        subprocess.run(["jsonnetfmt", "--test", *sources], check=True)

    def test_can_be_imported_as_it_is(self):
        self.assertNotIn("__inputs", DASHBOARD)
        self.assertIsNone(DASHBOARD["id"])
        self.assertRegex(DASHBOARD["uid"], r"^[a-z0-9_-]{1,40}$")
        self.assertNotIn("DS_PROMETHEUS", json.dumps(DASHBOARD))

    def test_ids_and_titles_are_unique(self):
        shown = list(rules.panels(DASHBOARD))
        for key in ("id", "title"):
            values = [
                p[key]
                for p in [*DASHBOARD["panels"], *DASHBOARD["panels"][-1]["panels"]]
            ]
            self.assertEqual(len(values), len(set(values)), key)
        for panel in shown:
            refs = [t["refId"] for t in panel["targets"]]
            self.assertEqual(len(refs), len(set(refs)), panel["title"])

    def test_panels_fill_the_grid_without_overlap(self):
        taken = {}
        folded = [
            p for p in DASHBOARD["panels"] if p["type"] == "row" and p["collapsed"]
        ]
        for panel in DASHBOARD["panels"] + [p for row in folded for p in row["panels"]]:
            pos = panel["gridPos"]
            for x in range(pos["x"], pos["x"] + pos["w"]):
                for y in range(pos["y"], pos["y"] + pos["h"]):
                    self.assertNotIn((x, y), taken, (panel["title"], taken.get((x, y))))
                    taken[x, y] = panel["title"]
        bottom = max(y for _, y in taken) + 1
        self.assertEqual(set(taken), {(x, y) for x in range(24) for y in range(bottom)})

    def test_a_series_has_one_colour_everywhere(self):
        colors = {}
        for panel in rules.panels(DASHBOARD):
            overridden = {
                o["matcher"]["options"]: p["value"]
                for o in panel["fieldConfig"]["overrides"]
                for p in o["properties"]
                if p["id"] == "color" and p["value"]["mode"] == "fixed"
            }
            for name, color in overridden.items():
                self.assertEqual(colors.setdefault(name, color), color, panel["title"])
            mode = panel["fieldConfig"]["defaults"]["color"]["mode"]
            self.assertIn(mode, {"fixed", "thresholds", "palette-classic-by-name"})
            if mode == "palette-classic-by-name":
                constant = {
                    t["legendFormat"]
                    for t in panel["targets"]
                    if "{{" not in t["legendFormat"]
                }
                self.assertLessEqual(constant, set(overridden), panel["title"])

    def test_overrides_speak_of_fields_that_exist(self):
        states = {"used", "unused", "unreachable"}
        codes = {"200", "500", "503"}
        for panel in rules.panels(DASHBOARD):
            fields = {t.get("legendFormat") for t in panel["targets"]} | states | codes
            for step in panel["transformations"]:
                fields |= set(step["options"].get("renameByName", {}).values())
            for override in panel["fieldConfig"]["overrides"]:
                self.assertEqual(override["matcher"]["id"], "byName")
                self.assertIn(override["matcher"]["options"], fields, panel["title"])

    def test_every_panel_has_a_text_for_no_data(self):
        for panel in rules.panels(DASHBOARD):
            self.assertTrue(panel["fieldConfig"]["defaults"]["noValue"], panel["title"])

    def test_panels_of_optional_series_name_their_flag(self):
        seen = set()
        for panel in rules.panels(DASHBOARD):
            text = panel["fieldConfig"]["defaults"]["noValue"]
            for collector, series in COLLECTORS.items():
                needed = [
                    re.search(f"jemalloc_({series})", target["expr"])
                    and not re.search(r"unless .*jemalloc_options_info", target["expr"])
                    for target in panel["targets"]
                ]
                if all(needed):
                    seen.add(collector)
                    self.assertIn(f"--collector.{collector} is off", text)
        self.assertEqual(seen, set(COLLECTORS))

    def test_every_panel_has_thresholds(self):
        for panel in rules.panels(DASHBOARD):
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            values = [s["value"] for s in steps]
            self.assertIsNone(values[0], panel["title"])
            self.assertEqual(values[1:], sorted(values[1:]), panel["title"])

    def test_every_annotation_is_of_the_selected_targets(self):
        for annotation in DASHBOARD["annotations"]["list"]:
            self.assertIn(annotation["datasource"]["uid"], rules.datasources(DASHBOARD))
            self.assertEqual(promql.errors([annotation["expr"]]), [])
            for selector in promql.selectors(annotation["expr"]):
                self.assertIn(("job", "=~", "$job"), selector.matchers)
                self.assertIn(("instance", "=~", "$instance"), selector.matchers)

    def test_runbooks_are_linked(self):
        [link] = DASHBOARD["links"]
        self.assertTrue(link["url"].endswith("/dashboards/runbooks.md"))


class Pictures(unittest.TestCase):
    def test_show_every_panel(self):
        for panel in rules.panels(DASHBOARD):
            top = panel["gridPos"]["y"]
            bottom = top + panel["gridPos"]["h"]
            self.assertTrue(
                any(
                    first <= top and bottom <= last
                    for first, last in preview.PICTURES.values()
                ),
                panel["title"],
            )

    def test_are_those_that_the_readme_shows(self):
        readme = (ROOT / "README.md").read_text()
        shown = re.findall(r"\(dashboards/(.*)\.png\)", readme)
        self.assertEqual(shown, list(preview.PICTURES))
        self.assertEqual({p.stem for p in HOME.glob("*.png")}, set(shown))


class Names(unittest.TestCase):
    def test_sources_are_where_this_test_looks(self):
        self.assertLessEqual({"jemalloc_arenas", "process_open_fds"}, exported())

    def test_dashboard_queries_what_is_exported(self):
        queries = [expr for _, expr in rules.targets(DASHBOARD)]
        queries += [
            rules.variable_series(v) for v in rules.variables(DASHBOARD, "query")
        ]
        queries += [a["expr"] for a in DASHBOARD["annotations"]["list"]]
        for query in queries:
            known = exported() | OF_PROMETHEUS | RECORDS
            names = {name.removesuffix("_bucket") for name in promql.names(query)}
            self.assertLessEqual(names, known, query)

    def test_rules_query_what_is_exported_or_recorded(self):
        for rule in RULES:
            names = promql.names(str(rule["expr"]))
            self.assertLessEqual(names, exported() | OF_PROMETHEUS | RECORDS, rule)

    def test_every_record_is_used(self):
        queries = [str(rule["expr"]) for rule in RULES]
        queries += [expr for _, expr in rules.targets(DASHBOARD)]
        used = {name for query in queries for name in promql.names(query)}
        self.assertEqual(RECORDS - used, set())

    def test_texts_speak_of_what_is_exported(self):
        # The program, the project's rules file, and Debian's tool of jemalloc.
        others = {"jemalloc_exporter"}
        for text in [HOME / "runbooks.md", *HOME.rglob("*.yml")]:
            series = set(re.findall(r"(?<![\w/:-])jemalloc_\w+", text.read_text()))
            self.assertLessEqual(series, exported() | others, text)


if __name__ == "__main__":
    unittest.main()

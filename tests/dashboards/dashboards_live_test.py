"""The dashboard in front of a real Prometheus that scrapes real pages: no panel
is empty where there is something to show.

JEMALLOC_EXPORTER in the environment is the exporter to scrape, started around a
Redis, and EMBEDDING a program that embeds the library. Without them, their pages
come from the made-up fleet."""

import json
import math
import os
import re
import time
import unittest

import dashboard_rules as rules
import promql
import variables
import yaml
from live_targets import (
    embedding,
    EMBEDDING,
    exporter,
    LAYERS,
    LiveTest,
    pages,
    ROOT,
    RULES,
    rules_of_each_second,
    scrape,
    scraping,
)
from support import wait_for

import fleet

DASHBOARD = json.loads((ROOT / "dashboards" / "jemalloc.json").read_text())
EXPORTER = os.environ.get("JEMALLOC_EXPORTER")

# Panels of metrics that only the exporter has; their text for no data names it.
OF_EXPORTER = {
    "Requests by status",
    "CPU of the exporter",
    "RSS of the exporter",
    "Units and containers",
}
# Panels of the metrics of an embedding program's own process, if it has any.
OF_PROCESS = {
    "RSS",
    "Outside jemalloc",
    "Outside jemalloc in each process",
    "Growth of RSS in the range",
    "Latest starts",
}


# Panels of the sets of series that are off by default.
OF_DEEP_SETS = {"Sizes of allocations", "Wasteful size classes", "Contended locks"}
# Panels that need the statistics beyond the five gauges.
OF_STATISTICS = {
    "Padding of large allocations",
    "Freed and not returned",
    "Address space retained",
    "Allocations in a second",
    "Threads that wait for locks",
    "Thread caches of each process",
    "Purged in a second",
    "Dirty pages of each process",
    "Arenas in use",
    "Options of jemalloc",
    "Refresh of the statistics",
}
# The results of the last layers for every program.
LAST_RESULTS = (
    f"count({LAYERS}{{job=~'twice|billing|jemalloc|old',layer='outside'}}) >= 4"
    f" and on () {LAYERS}{{layer='unknown'}}"
)


class Live(LiveTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made_up = fleet.Fleet(time.time())
        makers = {
            "/db": lambda now: made_up.exporter(fleet.DB, now),
            "/web": lambda now: made_up.exporter(fleet.WEB, now),
            "/billing": made_up.embedding,
            "/bare": lambda now: made_up.embedding(now, has_rss=False),
            "/twice": lambda now: made_up.embedding(
                now, labels=[{"heap": "main"}, {"heap": "plugin"}]
            ),
            "/old": lambda now: made_up.embedding(now, is_old=True),
            "/lean": made_up.lean,
            # Another exporter, whose process_* must not be counted as a heap's.
            "/node": lambda now: made_up.itself(now, 1 << 20, -1),
        }
        port = cls.start(pages(makers))
        scrapes = [
            scrape("billing", "/billing", port, "billing:8080"),
            scrape("twice", "/twice", port, "twice:8080"),
            scrape("old", "/old", port, "old:8080"),
            scrape("lean", "/lean", port, "lean:8080"),
            scrape("node", "/node", port, "node:9100"),
        ]
        if EMBEDDING:
            real = cls.start(embedding())
            scrapes.append(scrape("bare", "/metrics", real, "bare:8080"))
        else:
            scrapes.append(scrape("bare", "/bare", port, "bare:8080"))
        if EXPORTER:
            real = cls.start(exporter())
            scrapes.append(scrape("jemalloc", "/metrics", real, "real:10536"))
        else:
            scrapes.append(scrape("jemalloc", "/db", port, "db-1:10536"))
            scrapes.append(scrape("jemalloc-web", "/web", port, "web-2:10536"))
        cls.prometheus = cls.start(scraping(scrapes, cls.start(rules_of_each_second())))
        scraped = f"min(sum_over_time(up[1m])) >= 4 and count(up) == {len(scrapes)}"
        wait_for(lambda: cls.prometheus.instant(scraped), "scrapes")
        wait_for(lambda: cls.prometheus.instant(LAST_RESULTS), "results of the rules")
        cls.now = time.time()
        cls.values_of_variables = {}

    def expand(self, expr, **selection):
        # A subquery of once a minute would have one value.
        return promql.expand(expr, self.variables(**selection)).replace(":1m]", ":1s]")

    def variables(self, **selection):
        """The values of all variables."""
        selected = {
            **promql.EVERYTHING,
            **selection,
            "__range": "1m",
            "__rate_interval": "10s",
        }
        key = tuple(sorted(selection.items()))
        if key not in self.values_of_variables:
            self.values_of_variables[key] = variables.with_hidden(
                DASHBOARD, selected, lambda expr: self.prometheus.instant(expr, self.now)
            )
        return self.values_of_variables[key]

    def values(self, target, **selection):
        """The values that a query of a panel shows."""
        expr = self.expand(target["expr"], **selection)
        if target.get("instant"):
            return [
                float(s["value"][1]) for s in self.prometheus.instant(expr, self.now)
            ]
        series = self.prometheus.range(expr, self.now - 3, self.now, 1)
        return [float(value) for s in series for _, value in s["values"]]

    def empty_panels(self, **selection):
        return {
            panel["title"]
            for panel in rules.panels(DASHBOARD)
            if not any(self.values(target, **selection) for target in panel["targets"])
        }

    def total_rss(self, **selection):
        panel = next(p for p in rules.panels(DASHBOARD) if p["title"] == "RSS")
        return max(self.values(panel["targets"][0], **selection), default=None)

    def test_every_query_of_every_panel_returns_numbers(self):
        for panel in rules.panels(DASHBOARD):
            for target in panel["targets"]:
                with self.subTest(panel["title"], target=target["refId"]):
                    values = self.values(target)
                    self.assertTrue(values)
                    self.assertTrue(all(map(math.isfinite, values)), values)

    def test_panels_are_filled_for_the_exporter_alone(self):
        self.assertEqual(self.empty_panels(job="jemalloc.*"), set())

    def test_panels_are_filled_for_an_embedded_heap_alone(self):
        self.assertEqual(self.empty_panels(job="billing"), OF_EXPORTER | OF_DEEP_SETS)

    def test_panels_are_filled_for_the_five_gauges_alone(self):
        self.assertEqual(
            self.empty_panels(job="old"), OF_EXPORTER | OF_DEEP_SETS | OF_STATISTICS
        )

    def test_panels_are_filled_without_metrics_of_the_process(self):
        self.assertEqual(
            self.empty_panels(job="bare"), OF_EXPORTER | OF_DEEP_SETS | OF_PROCESS
        )

    def test_panels_are_filled_for_two_heaps_in_one_program(self):
        self.assertEqual(self.empty_panels(job="twice"), OF_EXPORTER | OF_DEEP_SETS)

    def test_an_empty_panel_names_the_missing_metrics(self):
        for panel in rules.panels(DASHBOARD):
            optional = OF_EXPORTER | OF_PROCESS | OF_DEEP_SETS | OF_STATISTICS
            if panel["title"] in optional:
                text = panel["fieldConfig"]["defaults"]["noValue"]
                self.assertRegex(text, "not exported|jemalloc_exporter|too old")

    def test_every_name_in_a_query_is_exported(self):
        rules_of_ours = [
            rule
            for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]
        ]
        queries = [expr for _, expr in rules.targets(DASHBOARD)]
        queries += [rules.variable_series(v) for v in rules.variables(DASHBOARD, "query")]
        queries += [a["expr"] for a in DASHBOARD["annotations"]["list"]]
        queries += [str(rule["expr"]) for rule in rules_of_ours]
        names = set().union(*map(promql.names, queries))
        names -= {rule.get("record") for rule in rules_of_ours}
        self.assertLessEqual(names, set(self.prometheus.get("label/__name__/values")))

    def test_rules_hold_for_every_kind_of_target(self):
        groups = self.prometheus.get("rules")["groups"]
        self.assertEqual(len(groups), 5)
        for group in groups:
            for rule in group["rules"]:
                self.assertEqual(rule["health"], "ok", rule)
        with_rss = {"jemalloc", "billing", "twice"}
        for record, jobs in {
            "job_instance_comm:jemalloc_allocated_bytes:sum": with_rss | {"bare"},
            "job_instance_comm:jemalloc_active_bytes:sum": with_rss | {"bare"},
            "job_instance_comm:jemalloc_resident_bytes:sum": with_rss | {"bare"},
            "job_instance_comm:jemalloc_rss_bytes:sum": with_rss,
            "job_instance_comm:jemalloc_thread_cache_bytes:sum": with_rss,
            # Only the generated heaps are large.
            "process:jemalloc_allocated_bytes:large": {"billing", "twice", "old"},
            "process:jemalloc_allocated_bytes:max1h": {"billing", "twice", "old"},
        }.items():
            series = self.prometheus.instant(record)
            self.assertLessEqual(jobs, {s["metric"]["job"] for s in series}, record)
        known = self.prometheus.instant("instance:jemalloc_exporter:known")
        self.assertTrue(known)
        for series in known:
            self.assertIn(series["metric"]["job"], {"jemalloc", "jemalloc-web"})

    def test_layers_are_those_that_the_target_exports(self):
        standard = {"small", "large", "holes", "padding", "dirty", "metadata"}
        for job, layers in {
            "billing": standard | {"muzzy", "outside"},
            "twice": standard | {"muzzy", "outside"},
            "old": {"live", "fragmentation", "kept", "outside"},
            "lean": {"active", "dirty", "unknown"},
        }.items():
            series = self.prometheus.instant(f"{LAYERS}{{job='{job}'}}", self.now)
            self.assertEqual({s["metric"]["layer"] for s in series}, layers, job)
            whole = sum(float(s["value"][1]) for s in series)
            self.assertAlmostEqual(whole, self.total_rss(job=job), delta=1 << 20)

    def test_heaps_of_one_program_share_its_rss(self):
        [heaps] = self.prometheus.instant(
            "sum(jemalloc_resident_bytes{job='twice'} + jemalloc_muzzy_bytes)", self.now
        )
        beyond = self.total_rss(job="twice") - float(heaps["value"][1])
        self.assertGreater(beyond, 0)
        panel = next(
            p for p in rules.panels(DASHBOARD) if p["title"] == "Outside jemalloc"
        )
        outside = self.values(panel["targets"][0], job="twice")[-1]
        self.assertAlmostEqual(outside, beyond, delta=1 << 20)

    def test_a_selected_process_leaves_embedded_heaps_out(self):
        comm = self.prometheus.instant("jemalloc_arenas{comm!=''}")[0]["metric"]["comm"]
        self.assertEqual(self.total_rss(job="billing", comm=comm), None)
        self.assertLess(self.total_rss(comm=comm), self.total_rss())

    def test_rss_of_other_processes_and_of_the_exporter_is_left_out(self):
        self.assertLess(self.total_rss(), 1 << 40)
        heaps = self.prometheus.instant(
            "sum(jemalloc_process_resident_memory_bytes"
            " and on (job, instance, comm, pid) jemalloc_arenas)",
            self.now,
        )
        exporters = self.total_rss(job="jemalloc.*")
        self.assertLess(abs(exporters / float(heaps[0]["value"][1]) - 1), 0.1)

    def test_parts_add_up_to_the_whole(self):
        panel = next(
            p
            for p in rules.panels(DASHBOARD)
            if p["title"] == "What the memory is spent on"
        )
        shares = [self.values(t)[0] for t in panel["targets"]]
        self.assertAlmostEqual(sum(shares), 1, places=6)

    def test_variables_offer_what_has_a_heap(self):
        offered = {}
        for variable in rules.variables(DASHBOARD, "query"):
            if variable["hide"]:
                continue
            series = self.expand(rules.variable_series(variable))
            label = variable["query"]["query"].rpartition(", ")[2].rstrip(")")
            path = f"label/{label}/values"
            offered[variable["name"]] = set(
                self.prometheus.get(path, **{"match[]": series})
            )
        self.assertLessEqual({"billing", "bare", "jemalloc"}, offered["job"])
        self.assertNotIn("node", offered["job"])
        self.assertIn("billing:8080", offered["instance"])
        self.assertIn("redis-server" if EXPORTER else "reportd", offered["comm"])

    def test_restarts_are_marked_at_their_time(self):
        for annotation in DASHBOARD["annotations"]["list"]:
            self.assertTrue(annotation["useValueForTime"])
            times = self.values(annotation)
            self.assertTrue(times)
            texts = annotation["titleFormat"] + annotation["textFormat"]
            for series in self.prometheus.instant(self.expand(annotation["expr"])):
                labels = set(re.findall(r"{{(\w+)}}", texts))
                self.assertLessEqual(labels, set(series["metric"]))
            for milliseconds in times:
                self.assertLess(milliseconds / 1000, self.now + 1)
                self.assertGreater(milliseconds / 1000, self.now - 400 * 86400)


if __name__ == "__main__":
    unittest.main()

"""The variables of the dashboard on a real Prometheus: those that are hidden select
the largest heaps, and those of units and containers their processes."""

import json
import time
import unittest

import dashboard_rules as rules
import promql
import variables
from live_targets import LiveTest, pages, ROOT, scrape, scraping
from support import wait_for

import fleet

DASHBOARD = json.loads((ROOT / "dashboards" / "jemalloc.json").read_text())
PANEL = "Live data of each process"
HIDDEN = ("largest_instance", "largest_pid")


class Variables(LiveTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made_up = fleet.Fleet(time.time())
        makers = {
            "/db": lambda now: made_up.exporter(fleet.DB, now),
            "/web": lambda now: made_up.exporter(fleet.WEB, now),
            "/embedded": made_up.embedding,
        }
        port = cls.start(pages(makers))
        scrapes = [scrape(path[1:], path, port, f"{path[1:]}:10536") for path in makers]
        cls.prometheus = cls.start(scraping(scrapes))
        scraped = "count(sum_over_time(up[1m]) >= 3) == 3"
        wait_for(lambda: cls.prometheus.instant(scraped), "scrapes")
        cls.now = time.time()

    def instant(self, expr):
        return self.prometheus.instant(expr, self.now)

    def selected(self, **selection):
        """All variables, the hidden ones with their values for this selection."""
        chosen = {**promql.EVERYTHING, "__range": "1m", **selection}
        return variables.with_hidden(DASHBOARD, chosen, self.instant)

    def series(self, chosen, title=PANEL):
        """The series of a panel's first query, by their labels."""
        panel = next(p for p in rules.panels(DASHBOARD) if p["title"] == title)
        found = self.instant(promql.expand(panel["targets"][0]["expr"], chosen))
        return {
            tuple(s["metric"].get(label) for label in ("instance", "comm", "pid"))
            for s in found
        }

    def test_the_largest_are_those_of_all(self):
        everything = {**promql.EVERYTHING, "__range": "1m"}
        largest = self.instant("topk(10, jemalloc_resident_bytes)")
        self.assertEqual(len(largest), 10)
        expected = {
            tuple(s["metric"].get(label) for label in ("instance", "comm", "pid"))
            for s in largest
        }
        chosen = self.selected()
        for name in HIDDEN:
            self.assertNotEqual(chosen[name], everything[name])
        self.assertEqual(self.series(chosen), expected)
        self.assertEqual(self.series(everything), expected)
        self.assertIn(("embedded:10536", None, None), expected)

    def test_an_embedded_heap_alone_is_selected(self):
        chosen = self.selected(job="embedded")
        self.assertEqual(chosen["largest_pid"], "()")
        self.assertEqual(self.series(chosen), {("embedded:10536", None, None)})

    def test_a_unit_selects_its_processes(self):
        chosen = self.selected(unit="mariadbd[.]service")
        for title in (PANEL, "Processes side by side"):
            found = self.series(chosen, title)
            self.assertEqual({comm for _, comm, _ in found}, {"mariadbd"}, title)

    def test_a_container_selects_its_processes(self):
        chosen = self.selected(container="(9f2b)+")
        self.assertEqual({comm for _, comm, _ in self.series(chosen)}, {"gatewayd"})

    def test_units_have_the_sums_of_their_processes(self):
        panel = next(
            p for p in rules.panels(DASHBOARD) if p["title"] == "Units and containers"
        )
        count, allocated, _ = [
            {
                s["metric"].get("unit") or s["metric"]["container_id"][:4]: s["value"][1]
                for s in self.instant(promql.expand(t["expr"], self.selected(job="db")))
            }
            for t in panel["targets"]
        ]
        sums = self.instant("sum by (comm) (jemalloc_allocated_bytes{job='db'})")
        for series in sums:
            unit = series["metric"]["comm"] + ".service"
            self.assertEqual(allocated[unit], series["value"][1])
        counts = self.instant("count by (comm) (jemalloc_up{job='db'})")
        self.assertEqual(
            count, {f"{s['metric']['comm']}.service": s["value"][1] for s in counts}
        )

    def test_a_unit_offers_its_programs(self):
        query = next(
            v["query"]["query"]
            for v in rules.variables(DASHBOARD, "query")
            if v["name"] == "comm"
        )
        series = query.removeprefix("label_values(").rpartition(", ")[0]
        for unit, offered in ((".*", {"mariadbd"}), ("mariadbd[.]service", {"mariadbd"})):
            chosen = {**promql.EVERYTHING, "unit": unit}
            match = {"match[]": promql.expand(series, chosen)}
            found = set(self.prometheus.get("label/comm/values", **match))
            self.assertLessEqual(offered, found)
            self.assertEqual(found == offered, unit != ".*")


if __name__ == "__main__":
    unittest.main()

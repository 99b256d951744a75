"""The linter's rules: they find nothing in the dashboard, and they do find what is
put into it."""

import copy
import json
import pathlib
import unittest

import dashboard_rules as rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "dashboards" / "jemalloc.json").read_text())


def variable(dashboard, name):
    return next(v for v in dashboard["templating"]["list"] if v["name"] == name)


def target(dashboard, metric):
    """The first query of a series."""
    return next(
        t for p in rules.panels(dashboard) for t in p["targets"] if metric in t["expr"]
    )


def sabotage(change):
    """The dashboard with something wrong in it."""
    dashboard = copy.deepcopy(DASHBOARD)
    change(dashboard)
    return dashboard


def replaced(metric, old, new):
    def change(dashboard):
        query = target(dashboard, metric)
        assert old in query["expr"]
        query["expr"] = query["expr"].replace(old, new)

    return change


def in_first(panel_type, change):
    return lambda d: change(next(p for p in rules.panels(d) if p["type"] == panel_type))


def in_folded_row(change):
    return lambda d: change(d["panels"][-1]["panels"][0])


# Each rule of the linter, with changes to the dashboard that it must object to.
LINTER = {
    rules.template_datasource: [
        lambda d: variable(d, "datasource").update(name="prometheus"),
        lambda d: variable(d, "datasource").update(label="Source"),
        lambda d: variable(d, "datasource").update(query="loki"),
        lambda d: d["templating"]["list"].append(variable(d, "datasource")),
        lambda d: d["templating"]["list"].remove(variable(d, "datasource")),
    ],
    rules.template_job: [
        lambda d: variable(d, "job").update(allValue=".*"),
        lambda d: variable(d, "job").update(multi=False),
        lambda d: variable(d, "job").update(label="job"),
        lambda d: d["templating"]["list"].remove(variable(d, "job")),
    ],
    rules.template_instance: [
        lambda d: variable(d, "instance").update(datasource={"uid": "prom"}),
        lambda d: variable(d, "instance").update(type="custom"),
    ],
    rules.template_label_promql: [
        lambda d: variable(d, "comm")["query"].update(query="labels(up, comm)"),
        lambda d: variable(d, "comm")["query"].update(query="label_values(up{, comm)"),
    ],
    rules.template_on_time_change_reload: [
        lambda d: variable(d, "comm").update(refresh=1),
    ],
    rules.panel_datasource: [
        in_first("bargauge", lambda p: p.pop("datasource")),
        in_first("stat", lambda p: p["datasource"].update(uid="$another")),
        in_folded_row(lambda p: p["targets"][0].update(datasource={"uid": "prom"})),
    ],
    rules.panel_title_description: [
        in_first("bargauge", lambda p: p.update(description="")),
        in_folded_row(lambda p: p.pop("title")),
    ],
    rules.panel_units: [
        in_first("bargauge", lambda p: p["fieldConfig"]["defaults"].pop("unit")),
        in_first(
            "stat", lambda p: p["fieldConfig"]["defaults"].update(mappings=[], unit="")
        ),
        in_first(
            "table",
            lambda p: p["fieldConfig"]["overrides"].append(
                {"properties": [{"id": "unit", "value": "eps"}]}
            ),
        ),
    ],
    rules.panel_no_targets: [
        in_first("timeseries", lambda p: p.update(targets=[])),
        in_folded_row(lambda p: p.pop("targets")),
    ],
    rules.target_promql: [
        in_first("bargauge", lambda p: p["targets"][0].update(expr="sum(up")),
        in_folded_row(lambda p: p["targets"][0].update(expr="")),
    ],
    rules.target_logql: [
        in_first("stat", lambda p: p["targets"][0]["datasource"].update(type="loki")),
    ],
    rules.target_logql_auto: [
        replaced("requests_total", "$__rate_interval", "$__auto"),
    ],
    rules.target_rate_interval: [
        replaced("requests_total", "$__rate_interval", "5m"),
        replaced("requests_total", "rate(", "(("),
        replaced("requests_total", "[$__rate_interval]", "[5m:]"),
        in_folded_row(lambda p: p["targets"][0].update(expr="rate((x)[5m:])")),
        replaced("deriv(", "[1h:1m]) * 3600", "[1h:1m]) * $__rate_interval"),
    ],
    rules.target_job: [
        replaced("up{", 'job=~"$job"', 'job="$job"'),
        replaced(
            "present_over_time",
            "[$__range] @ end()) or",
            '[$__range] @ end()) or up{instance=~"$instance"} or',
        ),
        replaced(
            "jemalloc_memory_bytes", "memory_bytes:sum{", "memory_bytes:sum or x{"
        ),
    ],
    rules.target_instance: [
        replaced("up{", ', instance=~"$instance"', ""),
    ],
    rules.target_counter_agg: [
        replaced("requests_total", "rate(", "deriv("),
        replaced("process_cpu_seconds_total", "rate(", "max_over_time("),
        replaced("scrape_duration_seconds{", "scrape_duration_seconds{", "{"),
    ],
    rules.uneditable_dashboard: [lambda d: d.update(editable=True)],
}


class Linter(unittest.TestCase):
    def test_has_all_rules_of_the_linter(self):
        self.assertEqual(len(LINTER), 17)

    def test_finds_nothing_in_the_dashboard(self):
        for rule in LINTER:
            with self.subTest(rule):
                self.assertEqual(list(rule(DASHBOARD)), [])

    def test_finds_what_is_wrong(self):
        for rule, changes in LINTER.items():
            for number, change in enumerate(changes):
                with self.subTest(rule, number=number):
                    self.assertNotEqual(list(rule(sabotage(change))), [])


if __name__ == "__main__":
    unittest.main()

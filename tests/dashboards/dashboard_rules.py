"""The rules of grafana/dashboard-linter, without its exceptions: every panel
that shows data is checked, whatever its type, and nothing can be excluded.

A rule is a function that is given a dashboard and yields what it objects to."""

import re

import promql

# Of the units that the linter knows, those that this dashboard has a use for.
UNITS = {"bytes", "percentunit", "none", "string", "s", "dateTimeAsIso", "reqps"}
UNITS |= {"binBps", "ops"}


def panels(dashboard):
    """Every panel that shows data, those in folded rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def targets(dashboard):
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield f"{panel.get('title')}: {target['refId']}", target["expr"]


def variables(dashboard, kind):
    return [v for v in dashboard["templating"]["list"] if v["type"] == kind]


def datasources(dashboard):
    """How the data source variables that there are can be written."""
    names = [v["name"] for v in variables(dashboard, "datasource")]
    return {sign % name for sign in ("$%s", "${%s}") for name in names}


def template_datasource(dashboard):
    sources = variables(dashboard, "datasource")
    if len(sources) != 1:
        yield f"{len(sources)} data source variables"
    for source in sources:
        if (source["name"], source["label"]) not in {
            ("datasource", "Data source"),
            ("prometheus_datasource", "Prometheus data source"),
        }:
            yield f"data source variable {source['name']!r}, {source['label']!r}"
        # The linter leaves out its other rules where it is another.
        if source["query"] != "prometheus":
            yield f"data source variable of {source['query']!r}"


def template_target(dashboard, name):
    found = [v for v in variables(dashboard, "query") if v["name"] == name]
    if len(found) != 1:
        yield f"{len(found)} variables of that name"
    for variable in found:
        if variable["datasource"]["uid"] not in datasources(dashboard):
            yield f"data source {variable['datasource']}"
        if variable["label"] != name.capitalize():
            yield f"label {variable['label']!r}"
        if variable["multi"] is not True:
            yield "not multi"
        if variable["allValue"] != ".+":
            yield f"allValue {variable['allValue']!r}"


def template_job(dashboard):
    yield from template_target(dashboard, "job")


def template_instance(dashboard):
    yield from template_target(dashboard, "instance")


def variable_series(variable):
    """The series in a variable's query, or None if it is malformed."""
    call = re.fullmatch(r"(\w+)\((.*)\)", variable["query"]["query"])
    if not call or call[1] not in {
        "label_names",
        "label_values",
        "metrics",
        "query_result",
    }:
        return None
    return re.sub(r",\s*\w+$", "", call[2]) if call[1] == "label_values" else call[2]


def template_label_promql(dashboard):
    series = [variable_series(v) for v in variables(dashboard, "query")]
    if None in series:
        yield "not a query of variables"
    yield from promql.errors([s for s in series if s is not None])


def template_on_time_change_reload(dashboard):
    for variable in variables(dashboard, "query"):
        if variable["refresh"] != 2:
            yield f"{variable['name']}: refresh {variable['refresh']}"


def panel_datasource(dashboard):
    for panel in panels(dashboard):
        for location in [panel, *panel["targets"]]:
            if location.get("datasource", {}).get("uid") not in datasources(dashboard):
                yield f"{panel['title']}: {location.get('datasource')}"


def panel_title_description(dashboard):
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"{panel['id']}: {panel.get('title')!r}, {panel.get('description')!r}"


def panel_units(dashboard):
    for panel in panels(dashboard):
        config = panel["fieldConfig"]
        units = [config["defaults"].get("unit")] + [
            p["value"]
            for o in config["overrides"]
            for p in o["properties"]
            if p["id"] == "unit"
        ]
        for unit in units:
            if unit not in UNITS:
                yield f"{panel['title']}: {unit!r}"


def panel_no_targets(dashboard):
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield panel["title"]


def target_promql(dashboard):
    yield from promql.errors([expr for _, expr in targets(dashboard)])


def target_logql(dashboard):
    for panel in panels(dashboard):
        for location in [panel, *panel["targets"]]:
            if location["datasource"]["type"] != "prometheus":
                yield f"{panel['title']}: {location['datasource']['type']}"


def target_logql_auto(dashboard):
    for location, expr in targets(dashboard):
        if "$__auto" in expr:
            yield location


def target_rate_interval(dashboard):
    for location, expr in targets(dashboard):
        for selector in promql.selectors(expr):
            inner = selector.function
            # A subquery has its range elsewhere: then this one has no range.
            if inner in {"rate", "irate"} and selector.range != "$__rate_interval":
                yield f"{location}: {inner} over {selector.range!r}"
            if selector.range == "$__rate_interval" and not inner:
                yield f"{location}: outside a function"
        if expr.count("$__rate_interval") != expr.count("[$__rate_interval]"):
            yield f"{location}: not a range"


def target_matcher(dashboard, name):
    for location, expr in targets(dashboard):
        for selector in promql.selectors(expr):
            if (name, "=~", f"${name}") not in selector.matchers:
                yield f"{location}: {selector.name}"


def target_job(dashboard):
    yield from target_matcher(dashboard, "job")


def target_instance(dashboard):
    yield from target_matcher(dashboard, "instance")


def target_counter_agg(dashboard):
    for location, expr in targets(dashboard):
        for selector in promql.selectors(expr):
            # One without a name may be a counter.
            counter = not selector.names or any(
                name.endswith("_total") for name in selector.names
            )
            if counter and selector.function not in {"rate", "irate", "increase"}:
                yield f"{location}: {selector.name}"


def uneditable_dashboard(dashboard):
    if dashboard["editable"] is not False:
        yield "editable"

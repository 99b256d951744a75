"""The dashboard's hidden variables, with the values that Grafana gives them."""

import re

import dashboard_rules
import promql

RESULTS = re.compile(r"query_result\((.*)\)", re.DOTALL)


def escaped(value):
    """As Grafana escapes a value of several in an expression."""
    value = value.replace("\\", "\\\\\\\\")
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value)


def text(series):
    """A result as the regular expression of a variable is applied to it."""
    labels = ",".join(
        f'{k}="{v}"' for k, v in series["metric"].items() if k != "__name__"
    )
    return f"{series['metric'].get('__name__', '')}{{{labels}}} {series['value'][1]}"


def hidden(dashboard):
    """The variables of results by name: their expressions, and what is captured of
    each result."""
    for variable in dashboard_rules.variables(dashboard, "query"):
        if found := RESULTS.fullmatch(variable["query"]["query"]):
            yield variable["name"], found[1], re.compile(variable["regex"].strip("/"))


def with_hidden(dashboard, selection, instant):
    """The selection and all values of the hidden variables; `instant` evaluates an
    expression."""
    values = {}
    for name, expr, regex in hidden(dashboard):
        found = [regex.search(text(s)) for s in instant(promql.expand(expr, selection))]
        distinct = sorted({match[1] for match in found if match})
        values[name] = f"({'|'.join(map(escaped, distinct))})"
    return {**selection, **values}

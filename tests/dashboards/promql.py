"""PromQL as far as the tests of the dashboard need it: which series an
expression selects, and what is done to them. Whether it parses is promtool's
business."""

import dataclasses
import re
import subprocess
import tempfile

import yaml

# Grafana's variables with everything selected.
EVERYTHING = {
    "job": ".+",
    "instance": ".+",
    "comm": ".*",
    "unit": ".*",
    "container": ".*",
    "largest_instance": ".+",
    "largest_pid": ".*",
    "__range": "1h",
    "__rate_interval": "1m",
}

TOKEN = re.compile(
    r"""
      (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<range>\[[^\]]*\])
    | (?P<number>\d[\w.]*)
    | (?P<name>[a-zA-Z_:$][\w:$]*)
    | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^(){},=<>@])
    """,
    re.VERBOSE,
)
# Words that open a list of labels in parentheses, and other words that are no
# series.
LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = LABEL_LISTS | {"and", "or", "unless", "bool", "offset", "atan2"}


@dataclasses.dataclass
class Selector:
    """A selected series: its name ("" without one), its matchers as (label,
    operator, value), its range ("" for an instant vector), and the functions
    around it, the innermost last."""

    name: str
    matchers: list
    range: str
    functions: list

    @property
    def function(self):
        """The innermost function or aggregation around it, whatever parentheses
        stand in between; "" without one."""
        return next(filter(None, reversed(self.functions)), "")

    @property
    def names(self):
        """Its name, or the alternatives of its matcher of names."""
        if self.name:
            return {self.name}
        values = [value for label, _, value in self.matchers if label == "__name__"]
        return {name for value in values for name in value.split("|")}


def selectors(expr):
    tokens = [(m.lastgroup, m.group()) for m in TOKEN.finditer(expr)]
    found, functions, i = [], [], 0
    while i < len(tokens):
        kind, text = tokens[i]
        following = tokens[i + 1][1] if i + 1 < len(tokens) else ""
        if text in LABEL_LISTS and following == "(":
            i = tokens.index(("sign", ")"), i) + 1
            continue
        if text == "(":
            before = tokens[i - 1] if i else ("", "")
            called = before[0] == "name" and before[1] not in WORDS
            functions.append(before[1] if called else "")
        elif text == ")":
            functions.pop()
        elif text == "{" or (
            kind == "name"
            and text not in WORDS
            and following not in {"(", "by", "without"}
        ):
            selector = Selector("" if text == "{" else text, [], "", functions[:])
            if text != "{":
                i += 1
            if i < len(tokens) and tokens[i][1] == "{":
                end = tokens.index(("sign", "}"), i)
                inside = [t for _, t in tokens[i + 1 : end] if t != ","]
                selector.matchers = [
                    (label, sign, value[1:-1])
                    for label, sign, value in zip(
                        inside[::3], inside[1::3], inside[2::3]
                    )
                ]
                i = end + 1
            if i < len(tokens) and tokens[i][0] == "range":
                selector.range = tokens[i][1][1:-1]
            found.append(selector)
            continue
        i += 1
    return found


def names(expr):
    """The names of all series that an expression selects."""
    return set().union(*(selector.names for selector in selectors(expr)))


def expand(expr, variables):
    """The expression with Grafana's variables replaced. Those of label_replace are
    numbers."""
    return re.sub(
        r"\$(?:\{(\w+)\}|([a-zA-Z_]\w*))",
        lambda m: variables[m.group(1) or m.group(2)],
        expr,
    )


def errors(exprs):
    """What promtool has against the expressions, with variables expanded."""
    rules = [{"record": "x", "expr": expand(e, EVERYTHING)} for e in exprs]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run(
            ["promtool", "check", "rules", file.name], capture_output=True, text=True
        )
    return [done.stderr] if done.returncode else []

"""The dashboard's JSON against Grafana's own types, strictly.

    dashboards_schema_test.py [FOLDER]

FOLDER keeps the packages from one run to the next. Where npm cannot install
them the test is skipped, with the reason in its output."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import dashboard_rules as rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "dashboards" / "jemalloc.json").read_text())
VERSIONS = json.loads((ROOT / "dashboards" / "preview" / "package.json").read_text())
PACKAGES = ["@grafana/schema", "typescript"]
LEFT_OUT = 77

HEAD = """
import type { Dashboard, DataQuery, DataSourceRef } from '@grafana/schema';

// JSON has plain strings where Grafana's types have enumerations, and leaves out
// what has a default.
type Plain<T> = T extends string ? `${T}`
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]?: Plain<T[K]> }
  : T;

// Grafana's types leave queries to the plugins; this is of Prometheus's.
interface Query extends DataQuery {
  datasource: DataSourceRef;
  expr: string;
  legendFormat?: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  range?: boolean;
  editorMode?: 'code' | 'builder';
}
"""
TYPES = """
import type { Options as %(type)s_options%(more)s }
  from '@grafana/schema/dist/esm/raw/composable/%(type)s/panelcfg/x/%(file)s_types.gen';
"""
FILES = {
    "stat": "StatPanelCfg",
    "timeseries": "TimeSeriesPanelCfg",
    "bargauge": "BarGaugePanelCfg",
    "table": "TablePanelCfg",
}
# The types of panels that have a configuration of fields of their own.
CUSTOM = {"timeseries", "table"}
# What Prometheus's plugin reads of an annotation: no part of Grafana's types.
OF_PLUGIN = {"expr", "step", "useValueForTime", "titleFormat", "textFormat", "tagKeys"}
# What the compiler must object to: that it does is part of the test.
MISTAKES = """
// @ts-expect-error
const title: Plain<Dashboard> = { title: 1 };
// @ts-expect-error
const misspelt: Plain<Dashboard> = { titel: 'x' };
// @ts-expect-error
const cursor: Plain<Dashboard> = { graphTooltip: 9 };
// @ts-expect-error
const g: Plain<Dashboard> = { panels: [{ type: 'stat', gridPos: { h: '4', w: 1, x: 0, y: 0 } }] };
// @ts-expect-error
const mode: Plain<stat_options> = { colorMode: 'colour' };
// @ts-expect-error
const style: Plain<timeseries_custom> = { drawStyle: 'dots' };
// @ts-expect-error
const query: Query[] = [{ refId: 'A', datasource: {}, expr: 'up', legendFormt: 'up' }];
"""


def left_out(reason):
    print(f"left out: the types of the dashboard, because {reason}")
    sys.exit(LEFT_OUT)


def install(folder):
    if all((folder / "node_modules" / p).exists() for p in PACKAGES):
        return
    if not shutil.which("npm"):
        left_out("there is no npm")
    wanted = [f"{p}@{VERSIONS['dependencies'][p]}" for p in PACKAGES]
    done = subprocess.run(
        [
            "npm",
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--fetch-retries=1",
            *wanted,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        left_out(f"npm did not install {' '.join(wanted)}:\n{done.stderr}")


def constant(name, kind, value, form="Plain<{}>"):
    return f"const {name}: {form.format(kind)} = {json.dumps(value, indent=2)};\n"


def typescript():
    yield HEAD
    for kind, file in FILES.items():
        more = f", FieldConfig as {kind}_custom" if kind in CUSTOM else ""
        yield TYPES % {"type": kind, "file": file, "more": more}
    annotations = [
        {key: value for key, value in annotation.items() if key not in OF_PLUGIN}
        for annotation in DASHBOARD["annotations"]["list"]
    ]
    dashboard = {**DASHBOARD, "annotations": {"list": annotations}}
    yield constant("dashboard", "Dashboard", dashboard)
    for panel in rules.panels(DASHBOARD):
        kind, name = panel["type"], panel["id"]
        yield constant(f"options_{name}", f"{kind}_options", panel["options"])
        yield constant(f"queries_{name}", "Query[]", panel["targets"], "{}")
        custom = [panel["fieldConfig"]["defaults"].get("custom", {})]
        for override in panel["fieldConfig"]["overrides"]:
            properties = {p["id"]: p["value"] for p in override["properties"]}
            custom.append(
                {
                    k.removeprefix("custom."): v
                    for k, v in properties.items()
                    if k.startswith("custom.")
                }
            )
        for number, value in enumerate(filter(None, custom)):
            yield constant(f"custom_{name}_{number}", f"{kind}_custom", value)
    yield MISTAKES


def check(folder):
    install(folder)
    source = folder / "dashboard.ts"
    source.write_text("".join(typescript()))
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--target", "es2022"]
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        ["node", compiler, *options, source], capture_output=True, text=True
    )
    print(done.stdout + done.stderr or "the dashboard is of Grafana's types")
    return done.returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        kept = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        kept.mkdir(parents=True, exist_ok=True)
        sys.exit(check(kept))

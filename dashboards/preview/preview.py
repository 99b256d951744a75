"""Draws the pictures of the dashboard that the README shows.

    preview.py [FOLDER]

Backfills a Prometheus with the history of a generated fleet, lets Grafana's own
components draw the dashboard's JSON from it, and takes pictures in headless
Chromium. FOLDER keeps npm's packages (460 MB) from one run to the next.

Needs prometheus, chromium, fonts-inter, pngquant and npm. To be run after a
change of the dashboard: look at the pictures before you commit them."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

import fleet
import yaml
from prometheus_server import PrometheusServer

HERE = pathlib.Path(__file__).resolve().parent
WIDTH = 1600
CELL = 38
HEADER = 54
# The levels of the records that the dashboard is drawn from.
RECORDS = ("job_instance_comm:", "process:jemalloc_up:")
# promtool evaluates the rules up to 14 s after the samples, as a hash of the file's
# name has it.
OPTIONS = ["--query.lookback-delta=20s"]
# The pictures: their rows of the grid, from the first to the last.
PICTURES = {
    "overview": (0, 19),
    "leak-or-retention": (19, 49),
    "since-when": (49, 82),
    "inside-jemalloc": (82, 117),
    "the-exporter": (117, 132),
}


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


def bundle(packages, page):
    """Builds the page, with packages outside of the repository."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, packages)
    if not (packages / "node_modules" / "@grafana" / "ui").exists():
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=packages)
    run(
        packages / "node_modules" / ".bin" / "esbuild",
        HERE / "main.tsx",
        f"--outfile={page}/main.js",
        "--bundle",
        "--minify",
        "--define:global=window",
        '--define:process.env.NODE_ENV="production"',
        "--loader:.ttf=dataurl",
        "--loader:.woff2=dataurl",
        "--loader:.svg=dataurl",
        "--log-level=warning",
        env={
            "NODE_PATH": str(packages / "node_modules"),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        },
    )
    shutil.copy(HERE / "index.html", page)


def back_fill(folder, end):
    history = folder / "fleet.om"
    with history.open("w") as file:
        file.writelines(fleet.history(end))
    data = folder / "data"
    run(
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        history,
        data,
        stdout=subprocess.DEVNULL,
    )
    record(folder, data, end)
    return data


def refers(expr, rule):
    layer = rule.get("labels", {}).get("layer")
    return rule["record"] in expr and (
        not layer or f'"{layer}"' in expr or "layer=~" in expr
    )


def batches(rules):
    """The rules in their order, those together that do not refer to each other."""
    batch = []
    for rule in rules:
        if any(refers(rule["expr"], other) for other in batch):
            yield batch
            batch = []
        batch.append(rule)
    yield batch


def record(folder, data, end):
    """Backfills what the rules record for the dashboard."""
    groups = yaml.safe_load((HERE.parent / "jemalloc.rules.yml").read_text())["groups"]
    rules = [
        rule
        for group in groups
        for rule in group["rules"]
        if rule.get("record", "").startswith(RECORDS)
    ]
    file = folder / "aggregates.yml"
    for batch in batches(rules):
        file.write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": batch}]}))
        # Started again for each batch, because it loads blocks at its start.
        with PrometheusServer({"scrape_configs": []}, data, OPTIONS) as prometheus:
            run(
                *("promtool", "tsdb", "create-blocks-from", "rules"),
                f"--start={end - fleet.SPAN}",
                f"--end={end}",
                f"--eval-interval={fleet.STEP}s",
                f"--url={prometheus.url}",
                f"--output-dir={data}",
                file,
                stderr=subprocess.DEVNULL,
            )


def photograph(page, picture, height, **parameters):
    query = urllib.parse.urlencode(parameters)
    run(
        "chromium",
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--disable-web-security",
        f"--user-data-dir={page}/profile",
        f"--window-size={WIDTH},{height}",
        "--virtual-time-budget=20000",
        f"--screenshot={picture}",
        f"file://{page}/index.html?{query}",
        stderr=subprocess.DEVNULL,
    )
    # They are committed: 256 colours are enough, and less than half the size.
    run("pngquant", "--force", "--ext=.png", "--strip", "--speed=1", picture)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        page = pathlib.Path(temporary)
        packages = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else page
        packages.mkdir(parents=True, exist_ok=True)
        bundle(packages.resolve(), page)
        # A quarter past the last hour: no label of an axis is at its edge.
        end = (int(time.time()) - 900) // 3600 * 3600 + 900
        data = back_fill(page, end)
        with PrometheusServer({"scrape_configs": []}, data, OPTIONS) as prometheus:
            for name, (first, last) in PICTURES.items():
                photograph(
                    page,
                    HERE.parent / f"{name}.png",
                    (last - first) * CELL + (HEADER if first == 0 else 0),
                    prometheus=prometheus.url,
                    end=end,
                    first=first,
                    last=last,
                )


if __name__ == "__main__":
    main()

"""The names of the heap state and of the statistics, and what these are read from,
by the tables that define them."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "collector/include/jemalloc_exporter"

HEAP_STATE = re.findall(
    r'\{&HeapState::\w+,\s*"(\w+)"', (HEADERS / "heap_state.h").read_text()
)
ROWS = re.findall(
    r'\{&HeapStatistics::\w+,\s*"(\w+)",\s*(?:"([^"]+)"|nullptr),[^{}]*?MallctlUnit::(\w+)',
    (HEADERS / "heap_statistics.h").read_text(),
)
STATISTICS = [name for name, _, _ in ROWS]
# The names for mallctl(3), "" where a value is computed of several.
MALLCTL = {name: mallctl for name, mallctl, _ in ROWS}
OF_PAGES = {name for name, _, unit in ROWS if unit == "kPages"}

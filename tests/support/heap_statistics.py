"""The names of the statistics, and what they are read from, by the table that
defines them."""

import pathlib
import re

HEADER = "collector/include/jemalloc_exporter/heap_statistics.h"
ROOT = pathlib.Path(__file__).resolve().parents[2]

ROWS = re.findall(
    r'\{&HeapStatistics::\w+,\s*"(\w+)",\s*(?:"([^"]+)"|nullptr),[^{}]*?MallctlUnit::(\w+)',
    (ROOT / HEADER).read_text(),
)
STATISTICS = [name for name, _, _ in ROWS]
# The names for mallctl(3), "" where a value is computed of several.
MALLCTL = {name: mallctl for name, mallctl, _ in ROWS}
OF_PAGES = {name for name, _, unit in ROWS if unit == "kPages"}

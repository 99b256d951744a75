#include <map>
#include <utility>

#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {
namespace {

// A test before and after; null where it did not run.
struct Change {
  const HeapReportEntry* before = nullptr;
  const HeapReportEntry* after = nullptr;
};

// By name, and by which one of that name it is: processes may share one.
using Changes = std::map<std::pair<std::string_view, int>, Change>;

void Add(const HeapReport& report, const HeapReportEntry* Change::*side,
         Changes& changes) {
  std::map<std::string_view, int> seen;
  for (const HeapReportEntry& test : report.entries) {
    changes[{test.name, seen[test.name]++}].*side = &test;
  }
}

std::string Result(const HeapReportEntry* test) {
  return test == nullptr ? "(unknown)" : test->result;
}

std::string Number(const HeapReportEntry* test, const HeapReportField& field) {
  if (test == nullptr || !(test->*field.value)) return "(unknown)";
  return std::to_string(*(test->*field.value));
}

void AddLine(std::string_view name, std::string_view key,
             const std::string& before, const std::string& after,
             std::string& text) {
  if (before == after) return;
  text.append(name).append(" ").append(key).append(": ");
  text.append(before).append(" → ").append(after).append("\n");
}

}  // namespace

std::string Diff(const HeapReport& before, const HeapReport& after) {
  Changes changes;
  Add(before, &Change::before, changes);
  Add(after, &Change::after, changes);
  std::string text;
  for (const auto& [key, change] : changes) {
    AddLine(key.first, "result", Result(change.before), Result(change.after),
            text);
    for (const HeapReportField& field : kHeapReportFields) {
      AddLine(key.first, field.key, Number(change.before, field),
              Number(change.after, field), text);
    }
  }
  return text;
}

}  // namespace jemalloc_exporter

#include "exporter/profile/heap_dump.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <system_error>
#include <utility>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kHeader = "heap_v2/";
constexpr std::string_view kTotalLine = "  t*: ";
constexpr std::string_view kMapsLine = "MAPPED_LIBRARIES:";

// One line, which is removed with its end.
std::string_view RemoveLine(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

bool RemovePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool RemoveNumber(std::string_view& text, int base, std::uint64_t& number) {
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

// "@ 0x7f84f1ca2630 0x7f84f1ca2d21", without the "@".
bool ParseStack(std::string_view text, std::vector<std::uint64_t>& addresses) {
  while (!text.empty()) {
    std::uint64_t address = 0;
    if (addresses.size() == kMaxFrames || !RemovePrefix(text, " 0x") ||
        !RemoveNumber(text, 16, address)) {
      return false;
    }
    addresses.push_back(address);
  }
  return !addresses.empty();
}

// 1 / (1 - exp(-mean size / period)). expm1 is exact for small objects.
double InverseProbability(double objects, double bytes, double period) {
  if (objects == 0 || bytes == 0) return 0;
  return period <= 1 ? 1 : -1 / std::expm1(-bytes / objects / period);
}

// "192: 40435 [0: 0]": objects and bytes in use, and since the start.
bool ParseValues(std::string_view text, std::uint64_t period,
                 HeapValues& values) {
  std::uint64_t inuse_objects = 0;
  std::uint64_t inuse_bytes = 0;
  std::uint64_t alloc_objects = 0;
  std::uint64_t alloc_bytes = 0;
  if (!RemoveNumber(text, 10, inuse_objects) || !RemovePrefix(text, ": ") ||
      !RemoveNumber(text, 10, inuse_bytes) || !RemovePrefix(text, " [") ||
      !RemoveNumber(text, 10, alloc_objects) || !RemovePrefix(text, ": ") ||
      !RemoveNumber(text, 10, alloc_bytes) || text != "]") {
    return false;
  }
  values = {.inuse_objects = static_cast<double>(inuse_objects),
            .inuse_bytes = static_cast<double>(inuse_bytes),
            .alloc_objects = static_cast<double>(alloc_objects),
            .alloc_bytes = static_cast<double>(alloc_bytes)};
  const auto mean = static_cast<double>(period);
  const double inuse =
      InverseProbability(values.inuse_objects, values.inuse_bytes, mean);
  const double alloc =
      InverseProbability(values.alloc_objects, values.alloc_bytes, mean);
  values.inuse_objects *= inuse;
  values.inuse_bytes *= inuse;
  values.alloc_objects *= alloc;
  values.alloc_bytes *= alloc;
  return true;
}

// The start of `text` with at most `count` lines.
std::string_view FirstLines(std::string_view text, std::size_t count) {
  std::string_view rest = text;
  for (std::size_t i = 0; i < count && !rest.empty(); ++i) RemoveLine(rest);
  return text.substr(0, text.size() - rest.size());
}

// Parses the stacks and what follows them; returns an error, or "".
std::string ParseBody(std::string_view text, HeapDump& dump) {
  HeapStack* stack = nullptr;  // Its values are to follow.
  while (!text.empty()) {
    std::string_view line = RemoveLine(text);
    if (RemovePrefix(line, "@")) {
      if (stack != nullptr) return "a stack has no values";
      if (dump.stacks.size() == kMaxStacks) return "it has too many stacks";
      stack = &dump.stacks.emplace_back();
      if (!ParseStack(line, stack->addresses)) return "a stack is malformed";
    } else if (stack != nullptr) {
      if (!RemovePrefix(line, kTotalLine) ||
          !ParseValues(line, dump.period, stack->values)) {
        return "the values of a stack are malformed";
      }
      stack = nullptr;
    } else if (line == kMapsLine) {
      dump.mappings = ParseMaps(FirstLines(text, kMaxMappings));
      return "";
    }
  }
  return stack != nullptr ? "it ends within a stack" : "";
}

bool IsZero(const HeapValues& values) {
  constexpr double kNone = 0.5;  // Rounded to 0.
  return std::abs(values.inuse_objects) < kNone &&
         std::abs(values.inuse_bytes) < kNone &&
         std::abs(values.alloc_objects) < kNone &&
         std::abs(values.alloc_bytes) < kNone;
}

void Add(const HeapValues& values, double factor, HeapValues& to) {
  to.inuse_objects += factor * values.inuse_objects;
  to.inuse_bytes += factor * values.inuse_bytes;
  to.alloc_objects += factor * values.alloc_objects;
  to.alloc_bytes += factor * values.alloc_bytes;
}

using Totals = std::map<std::vector<std::uint64_t>, HeapValues>;

// By addresses: a hostile dump can have a stack twice.
Totals TotalsOf(const std::vector<HeapStack>& stacks) {
  Totals totals;
  for (const HeapStack& stack : stacks) {
    Add(stack.values, 1, totals[stack.addresses]);
  }
  return totals;
}

}  // namespace

std::optional<HeapDump> ParseHeapDump(std::string_view text,
                                      std::string* error) {
  HeapDump dump;
  std::string_view line = RemoveLine(text);
  if (!RemovePrefix(line, kHeader) || !RemoveNumber(line, 10, dump.period) ||
      !line.empty()) {
    *error = "it is not a heap profile in the format heap_v2";
    return std::nullopt;
  }
  *error = !text.empty() && text.back() != '\n' ? "its last line is truncated"
                                                : ParseBody(text, dump);
  if (!error->empty()) return std::nullopt;
  dump.has_alloc = std::any_of(
      dump.stacks.begin(), dump.stacks.end(),
      [](const HeapStack& stack) { return stack.values.alloc_objects > 0; });
  return dump;
}

HeapDump Difference(const HeapDump& before, HeapDump after) {
  Totals totals = TotalsOf(after.stacks);
  for (const auto& [addresses, values] : TotalsOf(before.stacks)) {
    Add(values, -1, totals[addresses]);
  }
  after.stacks.clear();
  for (const auto& [addresses, values] : totals) {
    if (IsZero(values)) continue;
    after.stacks.push_back({.addresses = addresses, .values = values});
  }
  return after;
}

}  // namespace jemalloc_exporter

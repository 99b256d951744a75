#include "collector/text/details_json.h"

#include <algorithm>
#include <charconv>

namespace jemalloc_exporter {
namespace {

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

char* WriteValue(const std::optional<std::uint64_t>& value, char* out) {
  if (!value) return Copy("null", out);
  constexpr int kMaxDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;
  return std::to_chars(out, out + kMaxDigits, *value).ptr;
}

char* WriteKey(std::string_view key, char* out) {
  return Copy("\":", Copy(key, Copy("\"", out)));
}

template <typename Row, typename Column, std::size_t kColumns>
char* WriteRow(const Row& row, const Column (&columns)[kColumns], char* out) {
  std::string_view separator = "[";
  for (const Column& column : columns) {
    out = WriteValue(row.*column.value, Copy(separator, out));
    separator = ",";
  }
  return Copy("]", out);
}

template <typename Rows, typename Column, std::size_t kColumns>
char* WriteTable(std::string_view key, const Rows& rows,
                 const Column (&columns)[kColumns], char* out) {
  out = Copy("{", WriteKey(key, Copy(",", out)));
  out = WriteKey(kColumnsKey, out);
  std::string_view separator = "[\"";
  for (const Column& column : columns) {
    out = Copy("\"", Copy(column.key, Copy(separator, out)));
    separator = ",\"";
  }
  out = Copy("[", WriteKey(kRowsKey, Copy("],", out)));
  separator = "";
  for (const auto& row : rows) {
    out = WriteRow(row, columns, Copy(separator, out));
    separator = ",";
  }
  return Copy("]}", out);
}

char* WriteLocks(const HeapDetails& details, char* out) {
  out = Copy("{", WriteKey(kLocksKey, Copy(",", out)));
  std::string_view separator;
  for (std::size_t i = 0; i < kHeapLockCount; ++i) {
    if (!details.locks[i].any()) continue;
    out = WriteKey(kHeapLocks[i].name, Copy(separator, out));
    out = WriteRow(details.locks[i], kLockColumns, out);
    separator = ",";
  }
  return Copy("}", out);
}

}  // namespace

char* WriteDetailsJson(const HeapDetails& details, char* out,
                       HeapDetailSets sets) {
  sets = sets & details.sets;
  if (sets.bins) out = WriteTable(kBinsKey, details.bins, kBinColumns, out);
  if (sets.sizes) out = WriteTable(kSizesKey, details.sizes, kSizeColumns, out);
  if (sets.locks) out = WriteLocks(details, out);
  if (sets.arenas) {
    out = WriteTable(kArenasKey, details.arenas, kArenaColumns, out);
  }
  if (sets.extents) {
    out = WriteTable(kExtentsKey, details.extents, kExtentColumns, out);
  }
  return out;
}

}  // namespace jemalloc_exporter

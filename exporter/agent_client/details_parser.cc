#include "exporter/agent_client/details_parser.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>

#include "collector/text/details_json.h"

namespace jemalloc_exporter {
namespace {

// Of later versions, too.
constexpr std::size_t kMaxColumns = 32;

// Where the value of a column is in the rows of a document; absent if a column
// is missing or repeated.
template <typename Column, std::size_t kColumns>
std::optional<std::array<std::size_t, kColumns>> FindColumns(
    const std::vector<std::string>& found, const Column (&columns)[kColumns]) {
  std::array<std::size_t, kColumns> indices;
  for (std::size_t i = 0; i < kColumns; ++i) {
    if (std::count(found.begin(), found.end(), columns[i].key) != 1) {
      return std::nullopt;
    }
    indices[i] = static_cast<std::size_t>(
        std::find(found.begin(), found.end(), columns[i].key) - found.begin());
  }
  return indices;
}

}  // namespace

void DetailsParser::Handle(std::span<const std::string> path,
                           const JsonEvent& event) {
  Table* const table = path.empty() ? nullptr : Find(path.front());
  if (table == nullptr || table->is_invalid) return;
  if (path.size() == 1) {
    table->is_invalid = table->is_present || event.type_name != "object";
    table->is_present = true;
    return;
  }
  const std::size_t max_rows = table == &bins_      ? kMaxBins
                               : table == &sizes_   ? kMaxSizes
                               : table == &extents_ ? kMaxExtents
                                                    : kMaxArenaRows;
  const bool is_valid = table == &locks_
                            ? HandleLocks(path, event, *table)
                            : HandleTable(path, event, max_rows, *table);
  table->is_invalid = !is_valid;
}

DetailsParser::Table* DetailsParser::Find(const std::string& key) {
  if (requested_.bins && key == kBinsKey) return &bins_;
  if (requested_.sizes && key == kSizesKey) return &sizes_;
  if (requested_.locks && key == kLocksKey) return &locks_;
  if (requested_.arenas && key == kArenasKey) return &arenas_;
  if (requested_.extents && key == kExtentsKey) return &extents_;
  return nullptr;
}

// False for an invalid value.
bool DetailsParser::HandleTable(std::span<const std::string> path,
                                const JsonEvent& event, std::size_t max_rows,
                                Table& table) {
  const bool is_columns = path[1] == kColumnsKey;
  if (!is_columns && path[1] != kRowsKey) return true;
  if (path.size() == 2) {
    bool& is_present = is_columns ? table.has_columns : table.has_rows;
    if (is_present || event.type_name != "array") return false;
    is_present = true;
    return true;
  }
  if (is_columns) {
    if (!event.text || table.columns.size() == kMaxColumns) return false;
    table.columns.emplace_back(*event.text);
    return true;
  }
  if (path.size() == 3) {
    table.rows.emplace_back();
    return event.type_name == "array" && table.rows.size() <= max_rows;
  }
  return path.size() == 4 && AddValue(event, table);
}

// Mutexes of later versions are left out.
bool DetailsParser::HandleLocks(std::span<const std::string> path,
                                const JsonEvent& event, Table& table) {
  if (path.size() == 2) {
    table.names.push_back(path[1]);
    table.rows.emplace_back();
    return event.type_name == "array" && table.rows.size() <= kMaxSizes;
  }
  return path.size() == 3 && AddValue(event, table);
}

bool DetailsParser::AddValue(const JsonEvent& event, Table& table) {
  std::vector<Value>& row = table.rows.back();
  row.push_back(event.unsigned_integer);
  return (event.unsigned_integer || event.type_name == "null") &&
         row.size() <= kMaxColumns;
}

template <typename Row, typename Rows, typename Column, std::size_t kColumns>
bool DetailsParser::Convert(const Table& table,
                            const Column (&columns)[kColumns], Rows& rows) {
  const auto indices = FindColumns(table.columns, columns);
  if (!table.is_present || table.is_invalid || !indices) return false;
  Value last_key;
  for (const std::vector<Value>& values : table.rows) {
    if (values.size() != table.columns.size()) return false;
    Row row;
    for (std::size_t i = 0; i < kColumns; ++i) {
      const Value& value = values[(*indices)[i]];
      auto& member = row.*columns[i].value;
      if constexpr (std::is_same_v<decltype(member), std::uint64_t&>) {
        if (!value) return false;
        member = *value;
      } else {
        member = value;
      }
    }
    const Value key = row.*columns[0].value;
    if (!key || (last_key && *key <= *last_key)) return false;
    last_key = key;
    if (!rows.Add(row)) return false;
  }
  return table.has_rows;
}

bool DetailsParser::ConvertLocks(const Table& table, HeapDetails& details) {
  if (!table.is_present || table.is_invalid) return false;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::vector<Value>& values = table.rows[row];
    if (values.size() != std::size(kLockColumns)) return false;
    if (std::count(table.names.begin(), table.names.end(), table.names[row]) !=
        1) {
      return false;
    }
    const auto* const lock = std::find_if(
        std::begin(kHeapLocks), std::end(kHeapLocks),
        [&](const HeapLock& known) { return known.name == table.names[row]; });
    if (lock == std::end(kHeapLocks)) continue;
    LockDetails& counters = details.locks[lock - kHeapLocks];
    for (std::size_t i = 0; i < values.size(); ++i) {
      counters.*kLockColumns[i].value = values[i];
    }
  }
  return true;
}

std::shared_ptr<const HeapDetails> DetailsParser::Finish() const {
  if (!bins_.is_present && !sizes_.is_present && !locks_.is_present &&
      !arenas_.is_present && !extents_.is_present) {
    return nullptr;
  }
  const auto details = std::make_shared<HeapDetails>();
  HeapDetailSets& sets = details->sets;
  sets.bins = Convert<BinDetails>(bins_, kBinColumns, details->bins);
  sets.sizes = Convert<SizeDetails>(sizes_, kSizeColumns, details->sizes);
  sets.locks = ConvertLocks(locks_, *details);
  sets.arenas = Convert<ArenaDetails>(arenas_, kArenaColumns, details->arenas);
  sets.extents =
      Convert<ExtentDetails>(extents_, kExtentColumns, details->extents);
  return sets.any() ? details : nullptr;
}

}  // namespace jemalloc_exporter

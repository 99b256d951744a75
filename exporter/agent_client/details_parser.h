#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAILS_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAILS_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/text/json_sax.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Parses the sets of one heap, from an untrusted source: the JSON of
/// `WriteDetailsJson`. Throws std::bad_alloc only.
class DetailsParser {
 public:
  /// Sets that are not requested are ignored.
  explicit DetailsParser(HeapDetailSets requested) : requested_(requested) {}

  /// Takes a value below the heap's object; `path` starts in that object. Keys
  /// of no set are ignored.
  void Handle(std::span<const std::string> path, const JsonEvent& event);

  /// Returns the valid sets; null without one. A set is invalid as a whole
  /// when a row has another length than the columns, the first column is not
  /// strictly ascending, a value is neither an integer nor null, a key is
  /// repeated, or there are more rows than `HeapDetails` has.
  std::shared_ptr<const HeapDetails> Finish() const;

 private:
  using Value = std::optional<std::uint64_t>;

  // A table as it is in the document; a mutex is a row with its name.
  struct Table {
    bool is_present = false;
    bool is_invalid = false;
    bool has_columns = false;
    bool has_rows = false;
    std::vector<std::string> columns;
    std::vector<std::string> names;
    std::vector<std::vector<Value>> rows;
  };

  Table* Find(const std::string& key);
  static bool HandleTable(std::span<const std::string> path,
                          const JsonEvent& event, std::size_t max_rows,
                          Table& table);
  static bool HandleLocks(std::span<const std::string> path,
                          const JsonEvent& event, Table& table);
  static bool AddValue(const JsonEvent& event, Table& table);
  template <typename Row, typename Rows, typename Column, std::size_t kColumns>
  static bool Convert(const Table& table, const Column (&columns)[kColumns],
                      Rows& rows);
  static bool ConvertLocks(const Table& table, HeapDetails& details);

  HeapDetailSets requested_;
  Table bins_;
  Table sizes_;
  Table locks_;
  Table arenas_;
  Table extents_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_DETAILS_PARSER_H_

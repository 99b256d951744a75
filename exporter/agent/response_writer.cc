#include "exporter/agent/response_writer.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace jemalloc_exporter {
namespace {

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

// Not substr(), which would need libstdc++ for its exception.
std::string_view Start(std::string_view text, std::size_t size) {
  return {text.data(), std::min(text.size(), size)};
}

char* WriteKey(std::string_view key, char* out) {
  return Copy("\":", Copy(key, Copy("\"", out)));
}

char* WriteNumber(int value, char* out) {
  return std::to_chars(out, out + std::numeric_limits<int>::digits10 + 2, value)
      .ptr;
}

// The members of an object, without its braces.
char* WriteHeap(const HeapResponse& response, char* out) {
  out =
      WriteJsonString(Start(response.jemalloc_version, kMaxJemallocVersionSize),
                      WriteKey(kJemallocVersionKey, out));
  out = WriteJsonString(response.heap.used ? kUsed : kUnused,
                        WriteKey(kStateKey, Copy(",", out)));
  return WriteHeapJson(response.heap.visible_state(),
                       WriteKey(kHeapStateKey, Copy(",", out)));
}

// Further members of that object.
char* WriteStatistics(const HeapSnapshot& heap, char* out) {
  const HeapStatistics statistics = heap.visible_statistics();
  if (statistics != HeapStatistics{}) {
    out = WriteStatisticsJson(statistics,
                              WriteKey(kStatisticsKey, Copy(",", out)));
  }
  const HeapOptions options = heap.visible_options();
  if (options != HeapOptions{}) {
    out = WriteOptionsJson(options, WriteKey(kOptionsKey, Copy(",", out)));
  }
  return out;
}

}  // namespace

ResponseWriter::ResponseWriter(pid_t pid, std::string_view comm,
                               std::size_t heap_count, std::span<char> out)
    : out_(out.data()),
      limit_(out.data() + out.size()),
      heap_count_(heap_count) {
  out_ = WriteNumber(kAgentVersion, WriteKey(kAgentKey, Copy("{", out_)));
  out_ = WriteNumber(pid, WriteKey(kPidKey, Copy(",", out_)));
  out_ = WriteJsonString(Start(comm, kMaxCommSize),
                         WriteKey(kCommKey, Copy(",", out_)));
}

// The first heap is in the document itself, and among several once more.
void ResponseWriter::Add(const HeapResponse& heap, const HeapDetails* details) {
  if (added_ == 0) out_ = WriteHeap(heap, Copy(",", out_));
  if (heap_count_ > 1) {
    out_ = added_ == 0 ? Copy("[{", WriteKey(kHeapsKey, Copy(",", out_)))
                       : Copy(",{", out_);
    out_ = WriteJsonString(Start(heap.prefix, kMaxPrefixSize),
                           WriteKey(kPrefixKey, out_));
    out_ = WriteHeap(heap, Copy(",", out_));
  }
  ++added_;
  if (Fits(kMaxStatisticsSize)) out_ = WriteStatistics(heap.heap, out_);
  if (details != nullptr) WriteDetails(*details);
  if (heap_count_ > 1) out_ = Copy("}", out_);
}

bool ResponseWriter::Fits(std::size_t size) const {
  constexpr std::size_t kEnd = 8;  // Brackets.
  const std::size_t remaining = (heap_count_ - added_) * kMaxHeapObjectSize;
  return static_cast<std::size_t>(limit_ - out_) >= size + remaining + kEnd;
}

void ResponseWriter::WriteDetails(const HeapDetails& details) {
  HeapDetailSets sets = details.sets;
  const auto fits = [&] {
    return Fits(MaxDetailsJsonSize(sets, details.bins.size(),
                                   details.sizes.size(), details.arenas.size(),
                                   details.extents.size()));
  };
  if (!fits()) sets.extents = false;
  if (sets.any() && fits()) out_ = WriteDetailsJson(details, out_, sets);
}

char* ResponseWriter::Finish() {
  return Copy("}", heap_count_ > 1 ? Copy("]", out_) : out_);
}

}  // namespace jemalloc_exporter

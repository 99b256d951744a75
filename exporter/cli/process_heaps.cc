#include "exporter/cli/process_heaps.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "collector/text/details_json.h"
#include "exporter/agent/protocol.h"
#include "exporter/cli/details_tables.h"
#include "jemalloc_exporter/heap_serialization.h"

namespace jemalloc_exporter {
namespace {

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump();
}

using Details = std::shared_ptr<const HeapDetails>;

// Each after a comma.
std::string DetailsMembers(const Details& details) {
  if (!details) return "";
  std::string members(MaxDetailsJsonSize(*details), '\0');
  const char* const end = WriteDetailsJson(*details, members.data());
  members.resize(static_cast<std::size_t>(end - members.data()));
  return members;
}

// `object` with the members.
std::string WithDetails(std::string object, const Details& details) {
  std::string members = DetailsMembers(details);
  if (members.empty()) return object;
  object.pop_back();
  if (object.size() == 1) members.erase(0, 1);
  return object + members + "}";
}

std::string HeapToText(const HeapSnapshot& heap, const Details& details) {
  return ToText(heap) + (details ? DetailsTables(*details) : "");
}

std::string HeapToJson(const ProcessHeap& heap) {
  return R"({"prefix":)" + Quoted(heap.prefix) + R"(,"jemalloc_version":)" +
         Quoted(heap.jemalloc_version) + R"(,"state":)" +
         Quoted(heap.used ? kUsed : kUnused) + R"(,"heap_state":)" +
         ToJson(heap.snapshot()) + DetailsMembers(heap.details) + "}";
}

}  // namespace

std::string HeapsToText(const Process& process) {
  if (process.heaps.empty()) {
    return HeapToText(process.snapshot(), process.details);
  }
  std::string text;
  for (const ProcessHeap& heap : process.heaps) {
    text += "prefix: " + (heap.prefix.empty() ? "(none)" : heap.prefix);
    text += heap.used ? "\n" + HeapToText(heap.snapshot(), heap.details)
                      : ", unused\n";
  }
  return text;
}

std::string HeapsToJson(const Process& process) {
  std::string json = ToJson(process.snapshot());
  if (process.heaps.empty()) return WithDetails(json, process.details);
  json.pop_back();
  json += json.size() > 1 ? R"(,"heaps":[)" : R"("heaps":[)";
  for (const ProcessHeap& heap : process.heaps) {
    if (&heap != &process.heaps.front()) json += ',';
    json += HeapToJson(heap);
  }
  return json + "]}";
}

}  // namespace jemalloc_exporter

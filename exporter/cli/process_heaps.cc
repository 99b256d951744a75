#include "exporter/cli/process_heaps.h"

#include <nlohmann/json.hpp>

#include "exporter/agent/protocol.h"
#include "jemalloc_exporter/heap_serialization.h"

namespace jemalloc_exporter {
namespace {

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump();
}

std::string HeapToJson(const ProcessHeap& heap) {
  return R"({"prefix":)" + Quoted(heap.prefix) + R"(,"jemalloc_version":)" +
         Quoted(heap.jemalloc_version) + R"(,"state":)" +
         Quoted(heap.used ? kUsed : kUnused) + R"(,"heap_state":)" +
         ToJson(heap.heap_state) + "}";
}

}  // namespace

std::string HeapsToText(const Process& process) {
  if (process.heaps.empty()) return ToText(process.heap_state);
  std::string text;
  for (const ProcessHeap& heap : process.heaps) {
    text += "prefix: " + (heap.prefix.empty() ? "(none)" : heap.prefix);
    text += heap.used ? "\n" + ToText(heap.heap_state) : ", unused\n";
  }
  return text;
}

std::string HeapsToJson(const Process& process) {
  std::string json = ToJson(process.heap_state);
  if (process.heaps.empty()) return json;
  json.pop_back();
  json += json.size() > 1 ? R"(,"heaps":[)" : R"("heaps":[)";
  for (const ProcessHeap& heap : process.heaps) {
    if (&heap != &process.heaps.front()) json += ',';
    json += HeapToJson(heap);
  }
  return json + "]}";
}

}  // namespace jemalloc_exporter

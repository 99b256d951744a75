// Documents and socket tables from untrusted sources. Built as a libFuzzer
// target by clang, and by any compiler as a test that replays the seeds.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/response_parser.h"
#include "exporter/text/sanitize_label.h"
#include "jemalloc_exporter/heap_serialization.h"
#include "tests/fuzz/require.h"

using jemalloc_exporter::HeapState;
using jemalloc_exporter::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& socket : jemalloc_exporter::ParseSocketTable(text)) {
    Require(socket.name.pid > 0 && socket.name.instance > 0 &&
            socket.name.instance <= jemalloc_exporter::kMaxInstance);
  }
  const auto response = jemalloc_exporter::ParseResponse(text);
  if (!response) return 0;
  Require(response->pid > 0);
  Require(response->used || response->heap_state == HeapState{});
  Require(response->comm ==
          jemalloc_exporter::SanitizeLabel(response->comm,
                                           jemalloc_exporter::kMaxCommSize));
  Require(jemalloc_exporter::FromJson(jemalloc_exporter::ToJson(
              response->heap_state)) == response->heap_state);
  return 0;
}

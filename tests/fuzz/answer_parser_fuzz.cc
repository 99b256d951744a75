// What anybody may answer to the exporter. Built as a libFuzzer target by
// clang, and by any compiler as a test that replays the seeds.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/agent/wire.h"
#include "exporter/agent_client/answer_parser.h"
#include "exporter/agent_client/socket_list.h"
#include "exporter/text/sanitize_label.h"
#include "jemalloc_exporter/heap_serialization.h"
#include "tests/fuzz/require.h"

using jemalloc_exporter::HeapState;
using jemalloc_exporter::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& socket : jemalloc_exporter::AgentsInSocketTable(text)) {
    Require(socket.name.pid > 0 && socket.name.place > 0 &&
            socket.name.place <= jemalloc_exporter::kMaxPlace);
  }
  const auto answer = jemalloc_exporter::ParseAnswer(text);
  if (!answer) return 0;
  Require(answer->pid > 0);
  Require(answer->used || answer->heap_state == HeapState{});
  Require(answer->comm == jemalloc_exporter::SanitizeLabel(
                              answer->comm, jemalloc_exporter::kMaxCommSize));
  Require(jemalloc_exporter::FromJson(jemalloc_exporter::ToJson(
              answer->heap_state)) == answer->heap_state);
  return 0;
}

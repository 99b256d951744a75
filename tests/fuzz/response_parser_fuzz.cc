// Documents and socket tables from untrusted sources. Built as a libFuzzer
// target by clang, and by any compiler as a test that replays the seeds.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/text/details_json.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/response_parser.h"
#include "exporter/text/sanitize_label.h"
#include "jemalloc_exporter/heap_serialization.h"
#include "tests/fuzz/require.h"

using jemalloc_exporter::HeapState;
using jemalloc_exporter::Require;

namespace {

template <typename Rows, typename Key>
void RequireAscending(const Rows& rows, Key key) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    Require(rows[i - 1].*key < rows[i].*key);
  }
}

void RequireValidNames(
    const std::vector<jemalloc_exporter::AgentSocket>& sockets) {
  for (const auto& socket : sockets) {
    Require(socket.name.pid > 0 && socket.name.instance > 0 &&
            socket.name.instance <= jemalloc_exporter::kMaxInstance);
  }
}

// What is accepted is written and parsed as the same, within the agent's limit.
void RequireValidDetails(std::string_view text) {
  using namespace jemalloc_exporter;  // NOLINT(google-build-using-namespace)
  const auto response = ParseResponse(text, HeapDetailSets::All());
  if (!response || !response->details) return;
  const HeapDetails& details = *response->details;
  Require(details.sets.any());
  RequireAscending(details.bins, &BinDetails::size);
  RequireAscending(details.sizes, &SizeDetails::size);
  RequireAscending(details.arenas, &ArenaDetails::arena);
  RequireAscending(details.extents, &ExtentDetails::size);
  std::string json(MaxDetailsJsonSize(details), '\0');
  const char* const end = WriteDetailsJson(details, json.data());
  Require(end <= json.data() + json.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto sockets = jemalloc_exporter::ParseSocketTable(text);
  RequireValidNames(sockets.agents);
  RequireValidNames(sockets.profiles);
  RequireValidDetails(text);
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

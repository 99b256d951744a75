// Heap profiles from untrusted processes, and every format that is written of
// them. Built as a libFuzzer target by clang, and by any compiler as a test
// that replays the seeds.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/profile/collapsed.h"
#include "exporter/profile/flame_graph.h"
#include "exporter/profile/heap_dump.h"
#include "exporter/profile/heap_profile.h"
#include "exporter/profile/pprof.h"
#include "tests/fuzz/require.h"

using jemalloc_exporter::HeapProfile;
using jemalloc_exporter::HeapStack;
using jemalloc_exporter::Require;

constexpr std::size_t kMaxPageBytes = 32U << 20;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string error;
  auto dump = jemalloc_exporter::ParseHeapDump(text, &error);
  Require(dump.has_value() == error.empty());
  if (!dump) return 0;
  Require(dump->stacks.size() <= jemalloc_exporter::kMaxStacks);
  for (const HeapStack& stack : dump->stacks) {
    Require(!stack.addresses.empty() &&
            stack.addresses.size() <= jemalloc_exporter::kMaxFrames);
    Require(std::isfinite(stack.values.inuse_bytes) &&
            stack.values.inuse_bytes >= 0);
  }
  Require(jemalloc_exporter::Difference(*dump, *dump).stacks.empty());
  // Of no process and no file: the paths are those of the input.
  for (auto& mapping : dump->mappings) mapping.inode = 0;
  if (dump->mappings.empty()) dump->mappings.emplace_back();
  constexpr pid_t kNoProcess = -1;
  const HeapProfile profile = jemalloc_exporter::ToHeapProfile(
      *dump, kNoProcess, jemalloc_exporter::SymbolDetail::kFunctions);
  for (const auto& location : profile.locations) {
    Require(!location.mapping || *location.mapping < profile.mappings.size());
  }
  Require(!jemalloc_exporter::ToPprof(profile).empty());
  jemalloc_exporter::ToCollapsed(profile);
  const std::string page = jemalloc_exporter::ToFlameGraph(profile);
  // Of attributes: names in the page have no quotation mark.
  for (const char* const value : {"=\"nan", "=\"-nan", "=\"inf", "=\"-inf"}) {
    Require(page.find(value) == std::string::npos);
  }
  Require(page.size() < kMaxPageBytes);
  return 0;
}

#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROFILE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROFILE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// A stack of functions of the executable.
struct SampleStack {
  std::vector<std::string> functions;  ///< The outermost first.
  double bytes = 0;
};

/// A profile of these stacks: each of one object, each function with a location
/// of its own, numbered from 0 in the order of the stacks, without a line.
inline HeapProfile ProfileOf(const std::vector<SampleStack>& stacks) {
  HeapProfile profile;
  profile.period = 524'288;
  profile.comm = "host";
  profile.pid = 42;
  profile.jemalloc_version = "5.3.0";
  profile.time_ns = 1'700'000'000'000'000'000;
  profile.mappings = {{.path = "/usr/bin/host", .build_id = {}},
                      {.path = "/lib/other.so", .build_id = {}}};
  std::map<std::string, std::size_t> indexes;
  for (const SampleStack& stack : stacks) {
    ProfileSample& sample = profile.samples.emplace_back();
    sample.values.inuse_objects = stack.bytes < 0 ? -1 : 1;
    sample.values.inuse_bytes = stack.bytes;
    for (const std::string& function : stack.functions) {
      const auto [found, is_new] =
          indexes.try_emplace(function, profile.locations.size());
      if (is_new) {
        profile.locations.push_back(
            {.address = profile.locations.size() + 1,
             .mapping = 0,
             .frames = {
                 {.function = function, .system_name = function, .file = {}}}});
      }
      sample.locations.insert(sample.locations.begin(), found->second);
    }
  }
  return profile;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_PROFILE_H_

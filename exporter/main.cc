#include <exception>

#include "exporter/cli/command_line.h"
#include "exporter/cli/log.h"

// jemalloc's settings for the exporter itself, which MALLOC_CONF overrides: a
// small program that works in bursts wants one arena and its pages given back.
extern "C" {
const char* malloc_conf = "narenas:1,dirty_decay_ms:1000";
}

int main(int argc, char** argv) try {
  jemalloc_exporter::CommandLine line;
  const auto status = jemalloc_exporter::ParseCommandLine(argc, argv, line);
  return status ? *status : line.run();
} catch (const std::exception& exception) {
  constexpr int kFailure = 1;
  jemalloc_exporter::PrintError(exception.what());
  return kFailure;
}

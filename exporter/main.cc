#include <CLI/App.hpp>
#include <exception>
#include <iostream>

#include "exporter/cli/command_line.h"

// jemalloc's settings for the exporter itself, which MALLOC_CONF overrides: a
// small program that works in bursts wants one arena and its pages given back.
extern "C" {
const char* malloc_conf = "narenas:1,dirty_decay_ms:1000";
}

namespace {

constexpr int kFailure = 1;
constexpr int kBadCommandLine = 2;

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app;
  jemalloc_exporter::CommandLine line;
  jemalloc_exporter::DeclareCommandLine(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    std::cerr << "jemalloc_exporter: " << error.what() << '\n';
    return kBadCommandLine;
  }
  jemalloc_exporter::ConfigureLog(line.log_level, line.log_format);
  return line.run();
} catch (const std::exception& exception) {
  std::cerr << "jemalloc_exporter: " << exception.what() << '\n';
  return kFailure;
}

#include "exporter/cli/profile_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "exporter/cli/option_environment.h"
#include "exporter/cli/option_values.h"

namespace jemalloc_exporter {

void AddProfileOptions(CLI::App& profile, ProfileOptions& options) {
  AddPid(profile, "--pid", options.pid, "The process")->required();
  const auto set_time = [&options](Seconds time) {
    if (time < kMinProfileTime || time > kMaxProfileTime) {
      throw CLI::ValidationError("--seconds",
                                 "expected a duration from 1s to 300s");
    }
    options.time = time;
  };
  AddDuration(profile, "--seconds",
              "Print the difference between two profiles that are this time "
              "apart: 1s to 300s",
              set_time);
  AddChoice<ProfileFormat>(
      profile, "--format", options.format,
      {{"pprof", ProfileFormat::kPprof},
       {"flamegraph", ProfileFormat::kFlameGraph},
       {"collapsed", ProfileFormat::kCollapsed},
       {"raw", ProfileFormat::kRaw}},
      "pprof: for go tool pprof and others; flamegraph: a page for a browser; "
      "collapsed: a line of text for each stack; raw: as jemalloc writes it, "
      "for jeprof (pprof)")
      // `show --format` has other values.
      ->envname(EnvironmentName("profile-format"));
  profile.add_flag("--no-symbols", options.no_symbols,
                   "Print addresses and build ids, without names of functions");
  profile.add_option("--output", options.output, "Write to this file")
      ->type_name("FILE");
  profile
      .add_flag("--served", options.is_served,
                "The page is served at /debug/pprof/heap: link to others there")
      ->group("");  // Hidden: of the server's own child.
}

void CheckProfileOptions(const ProfileOptions& options) {
  if (options.time && options.format == ProfileFormat::kRaw) {
    throw CLI::ValidationError(
        "--seconds cannot be used with --format raw: it is of two profiles");
  }
}

}  // namespace jemalloc_exporter

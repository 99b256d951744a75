#include "exporter/endpoints/profile_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>

#include "exporter/endpoints/form_query.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kBinary = "application/octet-stream";

// The first is the default. A profile is a gzip file, not a coding of one.
constexpr std::array<ProfileFormatName, 4> kFormats = {{
    {"pprof", kBinary, ".pb.gz"},
    {"flamegraph", "text/html; charset=utf-8", ""},
    {"collapsed", "text/plain; charset=utf-8", ""},
    {"raw", kBinary, ".heap"},
}};

constexpr int kMaxSeconds = 300;

std::optional<int> ParseNumber(std::string_view text, int max) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 1 ||
      number > max) {
    return std::nullopt;
  }
  return number;
}

// Returns a description of valid values if `value` is not one of them.
std::string SetParameter(ProfileQuery& query, const std::string& key,
                         const std::string& value) {
  if (key == "pid") {
    query.pid = ParseNumber(value, std::numeric_limits<pid_t>::max());
    return query.pid ? "" : "a process id";
  }
  if (key == "comm") {
    query.comm = value;
    return value.empty() ? "the name of a process" : "";
  }
  if (key == "seconds") {
    query.seconds = ParseNumber(value, kMaxSeconds).value_or(0);
    return query.seconds == 0 ? "an integer from 1 to 300" : "";
  }
  if (key == "format") {
    const auto* const found =
        std::ranges::find(kFormats, value, &ProfileFormatName::name);
    if (found == kFormats.end()) return "pprof, flamegraph, collapsed or raw";
    query.format = found;
  }
  if (key == "symbols") {
    query.symbols = value != "0";
    return value == "0" || value == "1" ? "" : "0 or 1";
  }
  return "";
}

std::string InvalidValue(const std::string& key, const std::string& value,
                         const std::string& expected) {
  return "invalid " + key + " " + Quoted(value) + ": expected " + expected;
}

}  // namespace

std::optional<ProfileQuery> ParseProfileQuery(std::string_view query,
                                              std::string* error) {
  static const std::set<std::string> kKeys = {"pid", "comm", "seconds",
                                              "format", "symbols"};
  ProfileQuery parsed{.format = kFormats.data()};
  std::set<std::string> seen;
  for (const auto& [key, value] : ParseFormQuery(query)) {
    if (!kKeys.contains(key)) continue;
    if (!seen.insert(key).second) {
      *error = key + " is repeated";
      return std::nullopt;
    }
    const std::string expected = SetParameter(parsed, key, value);
    if (!expected.empty()) {
      *error = InvalidValue(key, value, expected);
      return std::nullopt;
    }
  }
  if (parsed.seconds != 0 && parsed.format->name == "raw") {
    *error = "seconds and format=raw cannot be combined";
    return std::nullopt;
  }
  return parsed;
}

std::vector<std::string> ProfileCommand(const ProfileQuery& query, pid_t pid) {
  std::vector<std::string> arguments = {
      "profile", "--pid=" + std::to_string(pid),
      "--format=" + std::string(query.format->name)};
  if (query.seconds != 0) {
    arguments.push_back("--seconds=" + std::to_string(query.seconds));
  }
  if (!query.symbols) arguments.emplace_back("--no-symbols");
  if (query.format->name == "flamegraph") arguments.emplace_back("--served");
  return arguments;
}

}  // namespace jemalloc_exporter

#include "collector/gtest/test_environment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>  // program_invocation_short_name, of GNU.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// GoogleTest's protocol for sharding.
std::string Shard() {
  const std::string total = Environment("GTEST_TOTAL_SHARDS");
  return total.empty() || total == "1" ? "" : Environment("GTEST_SHARD_INDEX");
}

// GoogleTest's filter, where it excludes tests. CTest runs a program once for
// each test this way (gtest_discover_tests).
std::string Filter() {
  std::string filter = GTEST_FLAG_GET(filter);
  return filter == "*" ? "" : filter;
}

std::string ToHex(std::uint64_t value, int digits) {
  std::string hex;
  while (digits-- > 0) hex += "0123456789ABCDEF"[value >> (4 * digits) & 0xF];
  return hex;
}

// `text` as part of a file's name: percent-encoded, and, where it is longer
// than a name may be, cut and followed by its FNV-1a hash.
std::string ToFileName(std::string_view text) {
  constexpr std::size_t kMaxSize = 120;
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string name;
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hash = (hash ^ byte) * 0x100000001B3;
    if (kUnreserved.find(c) != std::string_view::npos) {
      name += c;
    } else {
      name += '%' + ToHex(byte, 2);
    }
  }
  if (name.size() > kMaxSize) {
    name.resize(kMaxSize);
    name += ToHex(hash, 16);
  }
  return name;
}

// `path`, or, if that is a folder, the file `name` in it. A folder that cannot
// be created causes an error when the file is written.
std::string FileAt(const std::string& path, const std::string& name) {
  const std::filesystem::path file(path);
  std::error_code ignored;
  if (file.has_filename()) {
    if (!std::filesystem::is_directory(file, ignored)) return path;
  } else {
    std::filesystem::create_directories(file, ignored);
  }
  return file / name;
}

}  // namespace

std::string ProgramName() {
  return SanitizeUtf8(program_invocation_short_name);
}

prometheus::Labels TestProcessLabels() {
  prometheus::Labels labels{{"program", ProgramName()}};
  if (const std::string shard = Shard(); !shard.empty())
    labels["shard"] = shard;
  if (const std::string filter = Filter(); !filter.empty())
    labels["filter"] = SanitizeUtf8(filter);
  return labels;
}

std::string ReportPath() {
  std::string path = Environment("JEMALLOC_EXPORTER_TEST_REPORT");
  if (path.empty()) {
    path = Environment("JEMALLOC_EXPORTER_TEST_SIDECAR");
    if (path.empty()) return {};
    PrintListenerError(
        "JEMALLOC_EXPORTER_TEST_SIDECAR is deprecated: use "
        "JEMALLOC_EXPORTER_TEST_REPORT");
  }
  // Processes of several pid namespaces can share a pid and a folder.
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return FileAt(path, std::string(program_invocation_short_name) + "." +
                          std::to_string(now.count()) + "." +
                          std::to_string(getpid()) + ".json");
}

std::string TextfilePath() {
  const std::string path = Environment("JEMALLOC_EXPORTER_TEST_TEXTFILE");
  if (path.empty()) return {};
  std::string name = program_invocation_short_name;
  if (const std::string shard = Shard(); !shard.empty()) name += "." + shard;
  if (const std::string filter = Filter(); !filter.empty()) {
    name += "." + ToFileName(filter);
  }
  return FileAt(path, name + ".prom");
}

void PrintListenerError(const std::string& what) {
  std::fprintf(stderr, "jemalloc_exporter: %s\n", what.c_str());
}

}  // namespace jemalloc_exporter

#include "diff.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "jemalloc_exporter/heap_format.h"
#include "jemalloc_exporter/heap_sidecar.h"
#include "print.h"

namespace jemalloc_exporter {
namespace {

// A sidecar of 10,000 tests takes some 10 MB; a file far beyond that is none.
constexpr std::size_t kMaxFileBytes = 64 << 20;

std::string ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 65'536> chunk;
  while (file.read(chunk.data(), chunk.size()), file.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes) {
      throw std::runtime_error(path + ": too large for a heap state");
    }
  }
  if (text.empty() && errno != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  return text;
}

// What of `path` is read by `Parse`, or why it cannot be.
template <auto Parse>
auto Read(const std::string& path, const std::string& json) {
  std::string error;
  auto parsed = Parse(json, &error);
  if (!parsed) throw std::runtime_error(path + ": " + error);
  return *std::move(parsed);
}

std::string DiffFiles(const DiffOptions& options) {
  const std::string before = ReadFile(options.before);
  const std::string after = ReadFile(options.after);
  const bool sidecars = IsSidecar(before);
  if (sidecars != IsSidecar(after)) {
    throw std::runtime_error(
        (sidecars ? options.before : options.after) + " is of a test run and " +
        (sidecars ? options.after : options.before) + " is not");
  }
  if (sidecars) {
    return Diff(Read<SidecarFromJson>(options.before, before),
                Read<SidecarFromJson>(options.after, after));
  }
  return Diff(Read<FromJson>(options.before, before),
              Read<FromJson>(options.after, after));
}

}  // namespace

DiffStatus RunDiff(const DiffOptions& options) try {
  const std::string diff = DiffFiles(options);
  Print(diff);
  return diff.empty() ? kDiffEqual : kDiffDifferent;
} catch (const std::exception& exception) {
  std::cerr << "jemalloc_exporter: " << exception.what() << '\n';
  return kDiffTrouble;
}

}  // namespace jemalloc_exporter

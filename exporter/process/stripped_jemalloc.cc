#include "exporter/process/stripped_jemalloc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "exporter/agent/program_symbols.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

// The start of jemalloc's messages.
constexpr std::string_view kMarker = "<jemalloc>: ";

// Bytes of the longest string that is searched for, twice: a piece begins with
// the end of the previous one.
constexpr std::size_t kOverlap = 256;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

// Removes one or more digits and then `separator` from the end.
bool RemoveNumber(std::string_view& text, char separator) {
  const std::size_t size = text.size();
  while (!text.empty() && IsDigit(text.back())) text.remove_suffix(1);
  if (text.size() == size || text.empty() || text.back() != separator) {
    return false;
  }
  text.remove_suffix(1);
  return true;
}

// jemalloc's version is `git describe --long --abbrev=40`, in releases before
// 5.3 also with `g0`: 5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c.
// Returns the part before the first dash; empty for another string.
std::string_view Release(std::string_view before_hash, std::string_view hash) {
  const auto* const end =
      std::find_if_not(hash.begin(), hash.end(), IsHexDigit);
  const auto digits = end - hash.begin();
  if (end == hash.end() || *end != '\0' || (digits != 1 && digits != 40)) {
    return {};
  }
  std::string_view rest = before_hash;
  while (!rest.empty() && IsDigit(rest.back())) rest.remove_suffix(1);
  if (rest.empty() || rest.back() != '-') return {};
  rest.remove_suffix(1);
  const std::string_view release_end = rest;
  for (int i = 0; i < 2; ++i) {
    if (!RemoveNumber(rest, '.')) return {};
  }
  if (rest.size() < 2 || rest[rest.size() - 2] != '\0' ||
      !IsDigit(rest.back())) {
    return {};
  }
  return release_end.substr(rest.size() - 1);
}

std::string_view FindRelease(std::string_view piece) {
  for (std::size_t at = piece.find("-g"); at != std::string_view::npos;
       at = piece.find("-g", at + 1)) {
    const std::string_view release =
        Release(piece.substr(0, at), piece.substr(at + 2));
    if (!release.empty()) return release;
  }
  return {};
}

struct Strings {
  bool has_marker = false;
  std::string release;
};

Strings ReadStrings(int file) {
  Strings strings;
  std::vector<char> buffer(kOverlap + kPieceBytes);
  std::size_t kept = 0;
  for (std::size_t offset = 0; offset < kMaxFileBytes;) {
    const ssize_t count = pread(file, buffer.data() + kept, kPieceBytes,
                                static_cast<off_t>(offset));
    if (count <= 0) break;
    const std::string_view piece(buffer.data(),
                                 kept + static_cast<std::size_t>(count));
    if (piece.find(kMarker) != std::string_view::npos) {
      strings.has_marker = true;
    }
    if (strings.release.empty()) strings.release = FindRelease(piece);
    offset += static_cast<std::size_t>(count);
    kept = std::min(piece.size(), kOverlap);
    std::copy(piece.end() - static_cast<std::ptrdiff_t>(kept), piece.end(),
              buffer.begin());
  }
  return strings;
}

bool HasSymbols(int file) {
  const auto buffer = std::make_unique<SymbolBuffer>();
  MallctlSymbol found[kMaxHeaps];
  return FindMallctlInFile(file, SymbolTable::kAll, {}, buffer.get(), found) >
             0 ||
         FindMallctlInFile(file, SymbolTable::kExported, {}, buffer.get(),
                           found) > 0;
}

}  // namespace

std::string DescribeStrippedJemalloc(const std::string& path) {
  // Not blocking: a FIFO is no program.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return "";
  struct stat status {};
  Strings strings;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
      !HasSymbols(file)) {
    strings = ReadStrings(file);
  }
  close(file);
  if (!strings.has_marker) return "";
  return "jemalloc " + strings.release + (strings.release.empty() ? "" : " ") +
         "is present, but its symbols are stripped: link the program without "
         "strip";
}

}  // namespace jemalloc_exporter

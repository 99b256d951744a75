#include "exporter/profile/heap_profile.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "exporter/process/proc_file.h"
#include "exporter/profile/hexadecimal.h"
#include "exporter/profile/symbols.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

// Characters of a function's name and of a path that are kept.
constexpr std::size_t kMaxName = 4096;

bool IsFile(const Mapping& mapping) { return mapping.path.starts_with('/'); }

// Makes the tables of a profile from the maps of a process.
class Builder {
 public:
  Builder(const HeapDump& dump, pid_t pid, SymbolDetail detail)
      : maps_(dump.mappings), detail_(detail), symbols_(pid) {
    if (maps_.empty()) {
      maps_ = ParseMaps(ReadProcFile("/proc/" + std::to_string(pid) + "/maps"));
    }
    std::sort(
        maps_.begin(), maps_.end(),
        [](const Mapping& a, const Mapping& b) { return a.start < b.start; });
    profile_.period = dump.period;
    profile_.has_alloc = dump.has_alloc;
    AddExecutable();
    for (const HeapStack& stack : dump.stacks) AddSample(stack);
  }

  HeapProfile TakeProfile() { return std::move(profile_); }

 private:
  const Mapping* Find(std::uint64_t address) const {
    const auto next = std::upper_bound(
        maps_.begin(), maps_.end(), address,
        [](std::uint64_t value, const Mapping& m) { return value < m.start; });
    if (next == maps_.begin()) return nullptr;
    const Mapping& mapping = *(next - 1);
    return mapping.contains(address) && IsFile(mapping) ? &mapping : nullptr;
  }

  // The kernel maps the program below what it loads.
  void AddExecutable() {
    const auto first = std::find_if(maps_.begin(), maps_.end(), IsFile);
    if (first == maps_.end()) return;
    executable_ = first->path;
    const auto code = std::find_if(first, maps_.end(), [&](const Mapping& m) {
      return m.is_executable && m.path == executable_;
    });
    AddMapping(code == maps_.end() ? *first : *code);
  }

  std::size_t AddMapping(const Mapping& mapping) {
    const auto [found, is_new] =
        mapping_indexes_.try_emplace(mapping.start, profile_.mappings.size());
    if (is_new) {
      profile_.mappings.push_back(
          {.start = mapping.start,
           .limit = mapping.end,
           .offset = mapping.offset,
           .path = SanitizeLabel(mapping.path, kMaxName),
           .build_id = symbols_.BuildId(mapping)});
    }
    return found->second;
  }

  std::size_t AddLocation(std::uint64_t return_address) {
    const std::uint64_t address = return_address - 1;
    const auto [found, is_new] =
        location_indexes_.try_emplace(address, profile_.locations.size());
    if (!is_new) return found->second;
    ProfileLocation location = {
        .address = address, .mapping = {}, .frames = {}};
    if (const Mapping* const mapping = Find(address)) {
      location.mapping = AddMapping(*mapping);
      if (detail_ == SymbolDetail::kFunctions) {
        location.frames = FindFrames(*mapping, address);
      }
    }
    profile_.locations.push_back(std::move(location));
    return found->second;
  }

  std::vector<ProfileFrame> FindFrames(const Mapping& mapping,
                                       std::uint64_t address) {
    std::vector<ProfileFrame> frames;
    for (const SourceLine& line : symbols_.Find(mapping, address)) {
      frames.push_back(
          {.function = SanitizeLabel(Demangle(line.function), kMaxName),
           .system_name = SanitizeLabel(line.function, kMaxName),
           .file = SanitizeLabel(line.file, kMaxName),
           .line = line.line});
    }
    return frames;
  }

  // The number of frames of the library that called the unwinder: jemalloc.
  std::size_t CountJemallocFrames(const HeapStack& stack) const {
    const Mapping* const innermost = Find(stack.addresses.front() - 1);
    if (innermost == nullptr || innermost->path == executable_) return 0;
    const auto caller = std::find_if(
        stack.addresses.begin(), stack.addresses.end(), [&](auto address) {
          const Mapping* const mapping = Find(address - 1);
          return mapping == nullptr || mapping->path != innermost->path;
        });
    return caller == stack.addresses.end()
               ? 0
               : static_cast<std::size_t>(caller - stack.addresses.begin());
  }

  void AddSample(const HeapStack& stack) {
    ProfileSample& sample = profile_.samples.emplace_back();
    sample.values = stack.values;
    for (std::size_t i = CountJemallocFrames(stack); i < stack.addresses.size();
         ++i) {
      sample.locations.push_back(AddLocation(stack.addresses[i]));
    }
  }

  std::vector<Mapping> maps_;  // By address.
  const SymbolDetail detail_;
  Symbols symbols_;
  std::string executable_;
  std::map<std::uint64_t, std::size_t> mapping_indexes_;   // By start.
  std::map<std::uint64_t, std::size_t> location_indexes_;  // By address.
  HeapProfile profile_;
};

}  // namespace

HeapProfile ToHeapProfile(const HeapDump& dump, pid_t pid,
                          SymbolDetail detail) {
  return Builder(dump, pid, detail).TakeProfile();
}

std::string LocationName(const HeapProfile& profile,
                         const ProfileLocation& location) {
  if (!location.frames.empty()) return location.frames.front().function;
  if (!location.mapping) return ToHexadecimal(location.address);
  const ProfileMapping& mapping = profile.mappings[*location.mapping];
  return mapping.path.substr(mapping.path.rfind('/') + 1) + "+" +
         ToHexadecimal(location.address - mapping.start + mapping.offset);
}

}  // namespace jemalloc_exporter

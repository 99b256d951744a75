#include "exporter/process/cgroup.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "exporter/process/proc_file.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kContainerIdSize = 64;
constexpr std::size_t kPodUidSize = 36;
constexpr std::size_t kStaticPodUidSize = 32;
constexpr std::size_t kMaxUnitSize = 255;  // systemd's UNIT_NAME_MAX.

// Not isxdigit(3), which depends on the locale.
constexpr bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

constexpr bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), IsHexDigit);
}

// Removes the part before the next separator from `text` and returns it.
std::string_view TakeUntil(char separator, std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

// The last 64 digits after `-`, `:` or the component's start, and before its
// end or `.scope`.
std::string_view ContainerId(std::string_view component) {
  if (component.ends_with(".scope")) component.remove_suffix(6);
  if (component.size() < kContainerIdSize) return {};
  const auto start = component.size() - kContainerIdSize;
  const bool is_whole =
      start == 0 || component[start - 1] == '-' || component[start - 1] == ':';
  const std::string_view id = component.substr(start);
  return is_whole && IsDigits(id) ? id : std::string_view{};
}

// `8-4-4-4-12` digits, with hyphens or, as systemd writes them, underscores.
bool IsUuid(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_separator = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_separator ? text[i] != '-' && text[i] != '_' : !IsHexDigit(text[i]))
      return false;
  }
  return true;
}

// The UID in `kubepods-burstable-podUID.slice`, `podUID`, or before the colon
// of `….slice:cri-containerd:ID`.
std::string PodUid(std::string_view component) {
  component = component.substr(0, component.find(".slice"));
  const auto pod = component.rfind("pod");
  if (pod == std::string_view::npos) return {};
  if (pod > 0 && component[pod - 1] != '-') return {};
  const std::string_view text = component.substr(pod + 3);
  if (text.size() == kStaticPodUidSize && IsDigits(text)) {
    return std::string(text);
  }
  if (text.size() != kPodUidSize || !IsUuid(text)) return {};
  std::string uid(text);
  std::replace(uid.begin(), uid.end(), '_', '-');
  return uid;
}

Cgroup ParsePath(std::string_view path) {
  Cgroup cgroup;
  while (!path.empty()) {
    const std::string_view component = TakeUntil('/', path);
    const std::string_view container = ContainerId(component);
    if (!container.empty()) cgroup.container_id = container;
    if (std::string uid = PodUid(component); !uid.empty()) {
      cgroup.pod_uid = std::move(uid);
      cgroup.unit.clear();  // That of the container runtime.
    }
    if (component.ends_with(".service") ||
        (component.ends_with(".scope") && container.empty())) {
      cgroup.unit = SanitizeLabel(component, kMaxUnitSize);
    }
  }
  return cgroup;
}

// The path of the first line whose second field is `controllers`.
std::string_view FindPath(std::string_view contents,
                          std::string_view controllers) {
  while (!contents.empty()) {
    std::string_view line = TakeUntil('\n', contents);
    TakeUntil(':', line);
    if (TakeUntil(':', line) == controllers) return line;
  }
  return {};
}

}  // namespace

Cgroup ParseCgroup(std::string_view contents) {
  for (const std::string_view controllers : {"name=systemd", "memory", ""}) {
    Cgroup cgroup = ParsePath(FindPath(contents, controllers));
    if (cgroup != Cgroup{}) return cgroup;
  }
  return {};
}

Cgroup ReadCgroup(pid_t pid) {
  return ParseCgroup(ReadProcFile("/proc/" + std::to_string(pid) + "/cgroup"));
}

std::string UnitOrContainer(const Cgroup& cgroup) {
  constexpr std::size_t kShortIdSize = 12;
  return !cgroup.unit.empty() ? cgroup.unit
                              : cgroup.container_id.substr(0, kShortIdSize);
}

}  // namespace jemalloc_exporter

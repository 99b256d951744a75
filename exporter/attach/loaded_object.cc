#include "exporter/attach/loaded_object.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "exporter/attach/remote_memory.h"

namespace jemalloc_exporter {
namespace {

constexpr std::uint64_t kPage = 4096;

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

FileDescriptor OpenForRead(const std::string& path) {
  // O_NONBLOCK: the path may have become that of a FIFO.
  return FileDescriptor(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

// Compares the headers at the start of the file with those in memory.
bool IsMapped(const FileDescriptor& file, const TargetProcess& target,
              const Mapping& code) {
  for (const Mapping& mapping : target.maps) {
    if (mapping.inode != code.inode || mapping.device != code.device ||
        mapping.offset != 0) {
      continue;
    }
    std::array<char, kPage> on_disk{};
    std::array<char, kPage> in_memory{};
    const ssize_t size = pread(file.get(), on_disk.data(), on_disk.size(), 0);
    return size > 0 &&
           ReadMemory(target.pid, mapping.start, in_memory.data(),
                      static_cast<std::size_t>(size)) ==
               static_cast<std::size_t>(size) &&
           on_disk == in_memory;
  }
  return false;
}

FileDescriptor OpenMapped(const TargetProcess& target, const Mapping& code) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "map_files/%llx-%llx",
                static_cast<unsigned long long>(code.start),
                static_cast<unsigned long long>(code.end));
  FileDescriptor file = OpenForRead(ProcPath(target.pid, range.data()));
  if (file) return file;
  file = OpenForRead(ProcPath(target.pid, "root") + code.path);
  if (file && IsMapped(file, target, code)) return file;
  return FileDescriptor();
}

// The segment that `code` maps; absent if the file has none such.
std::optional<std::uint64_t> FindBias(const ElfFile& file,
                                      const Mapping& code) {
  for (const Elf64_Phdr& segment : file.segments()) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uint64_t start = segment.p_offset & ~(kPage - 1);
    if (code.offset >= start &&
        code.offset < segment.p_offset + segment.p_filesz) {
      return code.start - code.offset + segment.p_offset - segment.p_vaddr;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view LoadedObject::name() const {
  const std::string_view all = path;
  const auto slash = all.rfind('/');
  return slash == std::string_view::npos ? all : all.substr(slash + 1);
}

std::vector<LoadedObject> OpenLoadedObjects(const TargetProcess& target) {
  struct stat program = {};
  stat(ProcPath(target.pid, "exe").c_str(), &program);
  std::vector<LoadedObject> objects;
  std::set<std::pair<std::string, std::uint64_t>> seen;
  for (const Mapping& code : target.maps) {
    if (!code.is_executable || code.inode == 0) continue;
    if (!seen.insert({code.device, code.inode}).second) continue;
    FileDescriptor descriptor = OpenMapped(target, code);
    if (!descriptor) continue;
    struct stat status = {};
    fstat(descriptor.get(), &status);
    auto file = ElfFile::Read(std::move(descriptor));
    if (!file) continue;
    const auto bias = FindBias(*file, code);
    if (!bias) continue;
    LoadedObject object{.path = code.path,
                        .file = *std::move(file),
                        .bias = *bias,
                        .is_program = status.st_dev == program.st_dev &&
                                      status.st_ino == program.st_ino};
    objects.insert(object.is_program ? objects.begin() : objects.end(),
                   std::move(object));
  }
  return objects;
}

}  // namespace jemalloc_exporter

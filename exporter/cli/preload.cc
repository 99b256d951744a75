#include "exporter/cli/preload.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/agent/excluded_programs.h"
#include "exporter/process/stripped_jemalloc.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

namespace fs = std::filesystem;

std::string FindAgent() {
  constexpr const char* kName = "libjemalloc_exporter_agent.so";
  std::error_code error;
  const fs::path folder =
      fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path beside = folder / kName;
  if (fs::exists(beside, error)) return beside;
  return (folder.parent_path() / "lib/jemalloc_exporter" / kName).string();
}

namespace {

// The library of this program's own jemalloc.
std::string JemallocPath() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(FindMallctl()), &info) == 0) return "";
  return info.dli_fname;
}

// Searches PATH like execvp(3). Empty if there is no such command.
std::string FindCommand(const std::string& command) {
  if (command.find('/') != std::string::npos) return command;
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/bin:/usr/bin";
  while (!rest.empty()) {
    const auto end = rest.find(':');
    std::string candidate = rest.substr(0, end);
    candidate += (candidate.empty() ? "./" : "/") + command;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.erase(0, end == std::string::npos ? end : end + 1);
  }
  return "";
}

template <typename T>
bool ReadAt(std::ifstream& file, std::uint64_t offset, T& value) {
  file.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(
      file.read(reinterpret_cast<char*>(&value), sizeof(value)));
}

// Whether the file is a statically linked program (ELF without PT_INTERP).
bool IsStatic(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!ReadAt(file, 0, header)) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!ReadAt(file, header.e_phoff + i * sizeof(segment), segment)) {
      return false;
    }
    if (segment.p_type == PT_INTERP) return false;
  }
  return true;
}

// Whether ld.so will ignore LD_PRELOAD (AT_SECURE).
bool IsSetuid(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return false;
  return ((file.st_mode & S_ISUID) != 0 && file.st_uid != getuid()) ||
         ((file.st_mode & S_ISGID) != 0 && file.st_gid != getgid());
}

// Whether a user without privileges can read the file.
bool IsReadableByOthers(const fs::path& path) {
  std::error_code error;
  if ((fs::status(path, error).permissions() & fs::perms::others_read) ==
      fs::perms::none) {
    return false;
  }
  for (fs::path folder = path.parent_path();; folder = folder.parent_path()) {
    if ((fs::status(folder, error).permissions() & fs::perms::others_exec) ==
        fs::perms::none) {
      return false;
    }
    if (folder == folder.root_path()) return true;
  }
}

// The first word of the command that is a program which changes the user:
// `runuser -u nobody true`, `sh -c 'exec gosu redis redis-server'`. Empty if
// no word is.
std::string FindUserChange(const std::vector<std::string>& command) {
  for (const std::string& argument : command) {
    std::istringstream words(argument);
    for (std::string word; words >> word;) {
      std::string name = fs::path(word).filename().string();
      if (ListContains(kUserChangingPrograms, name)) return name;
    }
  }
  return "";
}

}  // namespace

std::string Preload(const PreloadOptions& options, std::string* hint) {
  const std::string& command = options.command.front();
  const std::string unseen = "; its heap will not be seen";
  const std::string file = FindCommand(command);
  if (IsStatic(file)) {
    *hint = command + " is linked statically and takes no agent" + unseen;
  } else if (IsSetuid(file)) {
    *hint = command + " is setuid or setgid and takes no agent" + unseen;
  } else if (const std::string stripped = DescribeStrippedJemalloc(file);
             !stripped.empty()) {
    *hint = command + ": " + stripped + unseen;
  }
  const std::string agent =
      options.agent_path.empty() ? FindAgent() : options.agent_path;
  std::error_code error;
  const std::string absolute = fs::absolute(agent, error).string();
  if (access(absolute.c_str(), R_OK) != 0) {
    *hint = "no agent for " + command + ": " + absolute + ": " +
            std::strerror(errno) + unseen;
    return "";
  }
  if (absolute.find_first_of(" :") != std::string::npos) {
    *hint = "no agent for " + command + ": " + absolute +
            ": a path with a space or a colon cannot be preloaded" + unseen;
    return "";
  }
  const std::string user_change = FindUserChange(options.command);
  if (geteuid() == 0 && !user_change.empty() && !IsReadableByOthers(absolute)) {
    *hint = absolute + " cannot be read by other users; programs that " +
            user_change + " starts as another user will not be served";
  }
  std::string preload = absolute;
  if (options.with_jemalloc) preload = JemallocPath() + ":" + preload;
  if (const char* present = std::getenv("LD_PRELOAD")) {
    if (*present != '\0') preload += ":" + std::string(present);
  }
  return preload;
}

}  // namespace jemalloc_exporter

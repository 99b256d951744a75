#include "exporter/cli/exec_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "exporter/cli/log.h"

namespace jemalloc_exporter {

int ExecCommand(const std::vector<std::string>& command,
                const std::string& preload) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  if (!preload.empty()) setenv("LD_PRELOAD", preload.c_str(), 1);
  execvp(arguments.front(), arguments.data());
  return errno;
}

int CannotStart(const std::string& command, int error) {
  constexpr int kCannotStart = 126;
  constexpr int kNotFound = 127;
  PrintError("cannot start " + command + ": " + std::strerror(error));
  return error == ENOENT ? kNotFound : kCannotStart;
}

}  // namespace jemalloc_exporter

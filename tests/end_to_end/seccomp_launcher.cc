// Installs a seccomp filter and executes a command under it:
// seccomp_launcher FILTER COMMAND... (FILTER as for ParseSeccompFilter).

#include <unistd.h>

#include <cstdio>

#include "tests/end_to_end/seccomp_filter.h"

int main(int argc, char** argv) {
  if (argc < 3 || !Install(ParseSeccompFilter(argv[1]))) return 2;
  execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 127;
}

// A host for heap profiles: reads a command from each line of stdin, and prints
// a line when it is done.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" int mallctl(const char*, void*, std::size_t*, void*, std::size_t);

namespace shop {

struct Order {
  std::vector<int> lines;
};

std::vector<Order*> orders;

[[gnu::noinline]] void Parse(int lines) {
  auto* const order = new Order;
  order->lines.resize(static_cast<std::size_t>(lines));
  orders.push_back(order);
}

}  // namespace shop

namespace {

void Leak(int count) {
  for (int i = 0; i < count; ++i) shop::Parse(64);
}

void Check(bool ok, const char* call) {
  if (ok) return;
  std::printf("%s: %s\n", call, std::strerror(errno));
  std::exit(1);
}

// Files under the numbers that the agent's descriptors have in its own table.
void OpenFiles(const std::string& folder) {
  constexpr int kCount = 20;
  for (int i = 0; i < kCount; ++i) {
    const std::string path = folder + "/" + std::to_string(i);
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    Check(write(file, path.data(), path.size()) > 0, "write");
  }
}

void Limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit = {value, value};
  Check(setrlimit(resource, &limit) == 0, "setrlimit");
}

// Children that allocate and exit, while profiles are written.
int Fork(int count) {
  int good = 0;
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      shop::Parse(64);
      _exit(0);
    }
    int status = -1;
    if (waitpid(child, &status, 0) == child && status == 0) ++good;
  }
  return good;
}

std::uint64_t ThreadAllocated() {
  std::uint64_t bytes = 0;
  std::size_t size = sizeof(bytes);
  mallctl("thread.allocated", &bytes, &size, nullptr, 0);
  return bytes;
}

}  // namespace

int main() {
  std::puts("ready");
  std::fflush(stdout);
  char command[32];
  char text[4096];
  while (std::scanf("%31s %4095s", command, text) == 2) {
    const std::string name = command;
    int result = 0;
    if (name == "leak") Leak(std::atoi(text));
    if (name == "open") OpenFiles(text);
    if (name == "file-size")
      Limit(RLIMIT_FSIZE, std::strtoul(text, nullptr, 10));
    if (name == "descriptors")
      Limit(RLIMIT_NOFILE, std::strtoul(text, nullptr, 10));
    if (name == "chroot") Check(chroot(text) == 0 && chdir("/") == 0, "chroot");
    if (name == "user") {
      Check(setuid(static_cast<uid_t>(std::atoi(text))) == 0, "setuid");
    }
    if (name == "fork") result = Fork(std::atoi(text));
    if (name == "allocated") result = static_cast<int>(ThreadAllocated());
    std::printf("%s %d\n", command, result);
    std::fflush(stdout);
  }
}

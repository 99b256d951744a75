// Preloaded into a program on jemalloc: what malloc_stats_print prints in it,
// and what the collector reads at the same refresh.
//
// A thread listens on `@statistics_probe/PID`. Each connection receives four
// parts, each with a NUL behind it: the JSON of malloc_stats_print, the
// statistics and details read after it, its text, and those read after that.

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "collector/jemalloc/details_reader.h"
#include "collector/jemalloc/statistics_reader.h"
#include "collector/text/details_json.h"

extern "C" __attribute__((weak)) void malloc_stats_print(
    void (*write)(void* opaque, const char* text), void* opaque,
    const char* options);

namespace {

using namespace jemalloc_exporter;  // NOLINT(google-build-using-namespace)

template <typename T>
T Read(const char* name) {
  T value{};
  std::size_t size = sizeof(value);
  FindMallctl()(name, &value, &size, nullptr, 0);
  return value;
}

// An allocation in each arena that threads are assigned to.
void UseAllArenas() {
  const auto count = Read<unsigned>("opt.narenas");
  for (unsigned arena = 0; arena < count; ++arena) {
    FindMallctl()("thread.arena", nullptr, nullptr, &arena, sizeof(arena));
    for (std::size_t size = 8; size < 100'000; size *= 2) {
      void* volatile block = std::malloc(size);
      std::free(block);
    }
  }
}

// Without a refresh.
std::string ReadAll() {
  std::string json = "{\"statistics\":{";
  const HeapStatistics statistics =
      ReadStatistics(FindMallctl(), Read<unsigned>("arenas.narenas"));
  for (const HeapStatistic& row : kHeapStatistics) {
    if (!(statistics.*row.value)) continue;
    if (json.back() != '{') json += ',';
    json += '"' + std::string(row.key) +
            "\":" + std::to_string(*(statistics.*row.value));
  }
  json += '}';
  const auto details = std::make_unique<HeapDetails>();
  ReadDetails(FindMallctl(), HeapDetailSets::All(), details.get());
  std::string sets(MaxDetailsJsonSize(*details), '\0');
  sets.resize(static_cast<std::size_t>(WriteDetailsJson(*details, sets.data()) -
                                       sets.data()));
  return json + sets + '}';
}

// The program's own refreshes come in between.
std::string PrintAndRead(const char* options) {
  std::string text;
  std::string read;
  std::uint64_t before = 0;
  do {
    text.clear();
    before = Read<std::uint64_t>("epoch");
    malloc_stats_print(
        [](void* out, const char* part) {
          static_cast<std::string*>(out)->append(part);
        },
        &text, options);
    read = ReadAll();
  } while (Read<std::uint64_t>("epoch") != before + 1);
  return text + '\0' + read + '\0';
}

void* Serve(void*) {
  // A table of its own: the program may close descriptors that it did not open,
  // and none of the program's is kept open.
  if (unshare(CLONE_FILES) != 0 || close_range(3, ~0U, 0) != 0) return nullptr;
  UseAllArenas();
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const int length =
      std::snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
                    "statistics_probe/%d", getpid());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                           static_cast<std::size_t>(length));
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1) != 0) {
    return nullptr;
  }
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return nullptr;
    const std::string parts = PrintAndRead("J") + PrintAndRead("ga");
    for (std::size_t sent = 0; sent < parts.size();) {
      const ssize_t result =
          send(client, parts.data() + sent, parts.size() - sent, MSG_NOSIGNAL);
      if (result <= 0) break;
      sent += static_cast<std::size_t>(result);
    }
    close(client);
  }
}

void Start() {
  if (FindMallctl() == nullptr || malloc_stats_print == nullptr) return;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread = {};
  if (pthread_create(&thread, nullptr, Serve, nullptr) == 0) {
    pthread_detach(thread);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

__attribute__((constructor)) void Load() {
  pthread_atfork(nullptr, nullptr, Start);
  Start();
}

}  // namespace

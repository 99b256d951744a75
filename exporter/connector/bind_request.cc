#include "exporter/connector/bind_request.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>

#include "exporter/agent/detail_request.h"

namespace jemalloc_exporter {
namespace {

// Another process can use a name of 64 random bits only on purpose.
constexpr int kMaxAttempts = 4;

}  // namespace

HeapDetailSets BindRequest(int socket, HeapDetailSets sets) {
  if (!sets.any()) return {};
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    std::uint64_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random)) {
      return {};
    }
    sockaddr_un address;
    const socklen_t size = WriteDetailRequest(sets, random, &address);
    if (bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0) {
      return sets;
    }
    if (errno != EADDRINUSE) return {};
  }
  return {};
}

}  // namespace jemalloc_exporter

#include "exporter/http/message.h"

#include <poll.h>

namespace jemalloc_exporter {

bool HasDisconnected(const Request& request) {
  if (request.socket < 0) return false;
  pollfd ready = {request.socket, POLLRDHUP, 0};
  return poll(&ready, 1, 0) > 0;
}

}  // namespace jemalloc_exporter

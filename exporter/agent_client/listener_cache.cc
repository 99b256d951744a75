#include "exporter/agent_client/listener_cache.h"

#include <algorithm>

namespace jemalloc_exporter {

void ListenerCache::Set(const AgentSocket& socket, const Listener& listener) {
  listeners_[socket] = listener;
}

std::optional<Listener> ListenerCache::Find(const AgentSocket& socket,
                                            Clock::time_point now) const {
  const auto found = listeners_.find(socket);
  if (found == listeners_.end()) return std::nullopt;
  const auto max_age = kMaxListenerAge / (1 + socket.inode % 2);
  if (now - found->second.read_at > max_age) return std::nullopt;
  return found->second;
}

void ListenerCache::Retain(const std::vector<AgentSocket>& listed) {
  std::erase_if(listeners_, [&](const auto& listener) {
    return !std::binary_search(listed.begin(), listed.end(), listener.first);
  });
}

}  // namespace jemalloc_exporter

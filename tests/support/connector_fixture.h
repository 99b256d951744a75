#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_CONNECTOR_FIXTURE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_CONNECTOR_FIXTURE_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <string>

#include "exporter/connector/capabilities.h"
#include "exporter/connector/connector.h"
#include "exporter/process/proc_file.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {

inline Connector::Deadline Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

inline NetworkNamespace NamespaceOf(pid_t pid) {
  struct stat status = {};
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// The value of `key` in /proc/PID/status.
inline std::string Status(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key + ":")) return line.substr(key.size() + 2);
  }
  return "";
}

// A socket with an agent's name, in a network namespace of its own.
inline void ListenElsewhere(const FakeAgent& self) {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
  const int listener = ListenAs({.pid = getpid()});
  self.Ready();
  Respond(listener, Document(getpid()));
}

// The same, without responses: closes each connection after `visit`.
template <typename Visit>
void AcceptElsewhere(const FakeAgent& self, const Visit& visit) {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
  const int listener = ListenAs({.pid = getpid()});
  self.Ready();
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    visit(client);
    close(client);
  }
}

inline std::map<NetworkNamespace, std::string> Tables(Connector& connector) {
  std::map<NetworkNamespace, std::string> tables;
  connector.List(Soon(), [&](NetworkNamespace number, int table) {
    tables[number] = ReadDescriptor(table, 1 << 20);
  });
  return tables;
}

class ConnectorTest : public testing::Test {
 protected:
  void SetUp() override {
    if ((PermittedCapabilities() & kConnectorCapabilities) !=
        kConnectorCapabilities) {
      GTEST_SKIP() << "needs " << CapabilityNames(kConnectorCapabilities);
    }
  }

  static ConnectRequest To(const FakeAgent& agent) {
    return {.network_namespace = NamespaceOf(agent.pid()),
            .name = {.pid = agent.pid()}};
  }
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_CONNECTOR_FIXTURE_H_

#include "exporter/connector/namespace_scan.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/connector_fixture.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

void EnterNewNamespace() {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
}

class NamespaceScanTest : public ConnectorTest {};

// As a process with the pid of one that has ended.
TEST_F(NamespaceScanTest, OpensNothingOfAProcessInAnotherNamespace) {
  int request[2];
  int done[2];
  ASSERT_EQ(pipe(request), 0);
  ASSERT_EQ(pipe(done), 0);
  const FakeAgent process([&](const FakeAgent& self) {
    EnterNewNamespace();
    self.Ready();
    char byte = 0;
    if (read(request[0], &byte, 1) != 1) _exit(1);
    EnterNewNamespace();
    if (write(done[1], "", 1) != 1) _exit(1);
  });
  ASSERT_GT(process.pid(), 0);
  const NetworkNamespace before = NamespaceOf(process.pid());
  NamespaceScan scan;
  scan.Update();
  EXPECT_TRUE(scan.OpenTable(before));
  EXPECT_TRUE(scan.Open(before, false));

  char byte = 0;
  ASSERT_EQ(write(request[1], "", 1), 1);
  ASSERT_EQ(read(done[0], &byte, 1), 1);
  EXPECT_FALSE(scan.OpenTable(before));
  EXPECT_FALSE(scan.Open(before, false));
  EXPECT_EQ(errno, ESRCH);
  for (const int end : {request[0], request[1], done[0], done[1]}) close(end);
}

}  // namespace
}  // namespace jemalloc_exporter

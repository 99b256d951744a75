#include "exporter/attach/agent_conditions.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace jemalloc_exporter {
namespace {

// The literals have NULs.
using namespace std::string_view_literals;

std::string Vector(std::uint64_t secure) {
  const Elf64_auxv_t entries[] = {
      {AT_PAGESZ, {4096}}, {AT_SECURE, {secure}}, {AT_NULL, {0}}};
  return {reinterpret_cast<const char*>(entries), sizeof(entries)};
}

TEST(FindAgentObstacle, IsEmptyForOtherPrograms) {
  const auto environment =
      "PATH=/bin\0JEMALLOC_EXPORTER_AGENT=on\0"
      "JEMALLOC_EXPORTER_AGENT_EXCLUDE=other,redis-cli\0"sv;
  EXPECT_EQ(FindAgentObstacle(environment, Vector(0), {"/bin/redis-server"}),
            "");
  EXPECT_EQ(FindAgentObstacle({}, {}, {}), "");
}

TEST(FindAgentObstacle, NamesTheEnvironment) {
  EXPECT_EQ(FindAgentObstacle("A=B\0JEMALLOC_EXPORTER_AGENT=off\0"sv, Vector(0),
                              {"redis-server"}),
            "JEMALLOC_EXPORTER_AGENT=off is set in its environment");
  EXPECT_EQ(
      FindAgentObstacle("JEMALLOC_EXPORTER_AGENT_EXCLUDE=a,redis-server\0"sv,
                        Vector(0), {"/opt/redis-server"}),
      "redis-server is excluded by JEMALLOC_EXPORTER_AGENT_EXCLUDE in its "
      "environment");
}

// One name is the start of the other.
TEST(FindAgentObstacle, DistinguishesTheVariables) {
  EXPECT_EQ(FindAgentObstacle("JEMALLOC_EXPORTER_AGENT_EXCLUDE=a\0"
                              "JEMALLOC_EXPORTER_AGENT=off\0"sv,
                              Vector(0), {"redis-server"}),
            "JEMALLOC_EXPORTER_AGENT=off is set in its environment");
}

// getenv(3) returns the first of several values.
TEST(FindAgentObstacle, TakesTheFirstValueOfAVariable) {
  EXPECT_EQ(FindAgentObstacle("JEMALLOC_EXPORTER_AGENT=on\0"
                              "JEMALLOC_EXPORTER_AGENT=off\0"sv,
                              Vector(0), {"redis-server"}),
            "");
}

TEST(FindAgentObstacle, NamesProgramsThatChangeUsersOrNamespaces) {
  EXPECT_EQ(FindAgentObstacle({}, Vector(0), {"/usr/bin/sudo"}),
            "sudo is excluded: it changes users or namespaces");
  EXPECT_EQ(FindAgentObstacle({}, Vector(0), {"bwrap"}),
            "bwrap is excluded: it changes users or namespaces");
  EXPECT_EQ(FindAgentObstacle({}, Vector(0), {"/proc/self/exe", "/bin/runc"}),
            "runc is excluded: it changes users or namespaces");
}

TEST(FindAgentObstacle, NamesPrivilegesOfTheProgram) {
  EXPECT_EQ(FindAgentObstacle({}, Vector(1), {"redis-server"}),
            "has more privileges than its user, and does not load the agent");
}

}  // namespace
}  // namespace jemalloc_exporter

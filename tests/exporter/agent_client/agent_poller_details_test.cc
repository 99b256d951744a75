#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "exporter/agent/detail_request.h"
#include "exporter/agent_client/agent_poller.h"
#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"
#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

constexpr HeapDetailSets kSets = {.bins = true, .locks = true};

std::string DetailedDocument() {
  std::string document = Document(getpid());
  document.pop_back();
  return document + DetailsJson(SampleDetails()) + "}";
}

// An agent that counts the requests of exactly `kSets`, and sends `padding`
// bytes and all details to every client, requested or not.
auto SendDetails(const SharedCounter& requests, const std::string& comm = "",
                 std::size_t padding = 0) {
  return [&requests, comm, padding](const FakeAgent& self) {
    if (!comm.empty()) prctl(PR_SET_NAME, comm.c_str());
    std::string document = DetailedDocument();
    document +=
        std::string(std::max(padding, document.size()) - document.size(), ' ');
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) {
      sockaddr_un address = {};
      socklen_t size = sizeof(address);
      const int client =
          accept(listener, reinterpret_cast<sockaddr*>(&address), &size);
      if (ParseDetailRequest(address, size) == kSets) requests.Increment();
      SendAndClose(client, document);
    }
  };
}

class AgentPollerDetailsTest : public AgentPollerTest {};

TEST_F(AgentPollerDetailsTest, RequestsTheSetsAndDropsOthers) {
  const SharedCounter requests;
  const FakeAgent agent(SendDetails(requests));
  const auto processes =
      AgentPoller().Poll(kLongTimeout, {.sets = kSets, .includes = {}});
  ASSERT_EQ(processes.size(), 1);
  EXPECT_EQ(requests.value(), 1);
  ASSERT_TRUE(processes[0].details);
  EXPECT_TRUE(processes[0].details->sets == kSets);
}

TEST_F(AgentPollerDetailsTest, ConnectsWithoutANameByDefault) {
  const SharedCounter requests;
  const FakeAgent agent(SendDetails(requests));
  const auto processes = PollFor(kLongTimeout);
  ASSERT_EQ(processes.size(), 1);
  EXPECT_EQ(requests.value(), 0);
  EXPECT_EQ(processes[0].status, ProcessStatus::kUsed);
  EXPECT_EQ(processes[0].details, nullptr);
}

TEST_F(AgentPollerDetailsTest, RequestsDetailsOfIncludedNamesOnly) {
  const SharedCounter included_requests;
  const FakeAgent included(SendDetails(included_requests, "included"));
  const SharedCounter other_requests;
  const FakeAgent other(SendDetails(other_requests, "other"));
  AgentPoller poller;
  for (int poll = 1; poll <= 2; ++poll) {
    const auto processes = poller.Poll(
        kLongTimeout, {.sets = kSets, .includes = [](const std::string& comm) {
                         return comm == "included";
                       }});
    ASSERT_EQ(processes.size(), 2);
    for (const Process& process : processes) {
      EXPECT_EQ(process.status, ProcessStatus::kUsed);
      EXPECT_EQ(process.details != nullptr, process.comm == "included");
    }
    EXPECT_EQ(included_requests.value(), poll);
    EXPECT_EQ(other_requests.value(), 0);
  }
}

TEST_F(AgentPollerDetailsTest, DropsDetailsThatAnEarlierPollRequested) {
  const SharedCounter sent;
  const FakeAgent late([&](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) {
      SendAndClose(accept(listener, nullptr, nullptr), DetailedDocument());
      sent.Increment();
    }
  });
  // In the second poll it responds after `late`, which it continues.
  const FakeAgent other([&](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    RespondOnce(listener, Document(getpid()));
    const int client = accept(listener, nullptr, nullptr);
    late.Continue();
    while (sent.value() == 0) poll(nullptr, 0, 1);
    SendAndClose(client, Document(getpid()));
  });
  late.Stop();
  AgentPoller poller;
  poller.Poll(kShortTimeout, {.sets = kSets, .includes = {}});
  const auto processes = poller.Poll(kLongTimeout);
  ASSERT_EQ(processes.size(), 2);
  for (const Process& process : processes) {
    EXPECT_EQ(process.status, ProcessStatus::kUsed);
    EXPECT_EQ(process.details, nullptr);
  }
}

TEST_F(AgentPollerDetailsTest,
       AcceptsLongDocumentsOnlyWhereItRequestedDetails) {
  const DetailQuery query = {.sets = kSets, .includes = {}};
  const auto status = [](std::size_t size, const DetailQuery& details) {
    const SharedCounter requests;
    const FakeAgent agent(SendDetails(requests, "", size));
    const auto processes = AgentPoller().Poll(kLongTimeout, details);
    return processes.empty() ? ProcessStatus::kUnused : processes[0].status;
  };
  EXPECT_EQ(status(kMaxResponseSize, {}), ProcessStatus::kUsed);
  EXPECT_EQ(status(kMaxResponseSize + 1, {}), ProcessStatus::kUnreachable);
  EXPECT_EQ(status(kMaxDetailedResponseSize, query), ProcessStatus::kUsed);
  EXPECT_EQ(status(kMaxDetailedResponseSize + 1, query),
            ProcessStatus::kUnreachable);
}

}  // namespace
}  // namespace jemalloc_exporter

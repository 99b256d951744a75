#include "exporter/agent_client/profile_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

#include "exporter/agent/protocol.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

int MemoryFileOf(const std::string& text, int seals = kAllSeals) {
  const int file = memfd_create("profile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (write(file, text.data(), text.size()) < 0) _exit(1);
  if (fcntl(file, F_ADD_SEALS, seals) != 0) _exit(1);
  return file;
}

std::string ProfileDocument(const std::string& result = "ok") {
  return R"({"agent":1,"pid":1,"comm":"ho\u0007st","jemalloc_version":)"
         R"("5.3.0","profile":")" +
         result + "\"}";
}

// Sends `document`, with `count` times the descriptor `file`.
void Send(int client, const std::string& document, int file, int count = 1) {
  iovec data = {const_cast<char*>(document.data()), document.size()};
  alignas(cmsghdr) char control[256] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (file >= 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    for (int i = 0; i < count; ++i) {
      std::memcpy(CMSG_DATA(header) + sizeof(int) * i, &file, sizeof(file));
    }
  }
  sendmsg(client, &message, MSG_NOSIGNAL);
}

// A process with a socket for heap profiles; `respond` has a client.
class FakeProfileAgent : public FakeAgent {
 public:
  explicit FakeProfileAgent(const std::function<void(int)>& respond,
                            pid_t name = 0)
      : FakeAgent([&](const FakeAgent& agent) {
          const int listener =
              ListenForProfiles({.pid = name == 0 ? getpid() : name});
          agent.Ready();
          for (;;) {
            const int client = accept(listener, nullptr, nullptr);
            respond(client);
            close(client);
          }
        }) {}
};

AgentProfile Read(pid_t pid, milliseconds timeout = std::chrono::seconds(10)) {
  return ReadAgentProfile(pid, steady_clock::now() + timeout);
}

// The error without the process.
std::string ReadError(const FakeAgent& agent,
                      milliseconds timeout = std::chrono::seconds(10)) {
  try {
    Read(agent.pid(), timeout);
  } catch (const std::runtime_error& error) {
    const std::string start = "process " + std::to_string(agent.pid()) + " ";
    const std::string text = error.what();
    return text.starts_with(start) ? text.substr(start.size()) : text;
  }
  return "";
}

int CountDescriptors() {
  int count = 0;
  for (int i = 0; i < 1024; ++i) count += fcntl(i, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST(ProfileReader, ReadsASealedFile) {
  const FakeProfileAgent agent([](int client) {
    Send(client, ProfileDocument(), MemoryFileOf("heap_v2/1\n"));
  });
  const int descriptors = CountDescriptors();
  const AgentProfile profile = Read(agent.pid());
  EXPECT_EQ(profile.dump, "heap_v2/1\n");
  EXPECT_EQ(profile.comm, "ho\uFFFDst");
  EXPECT_EQ(profile.jemalloc_version, "5.3.0");
  EXPECT_EQ(CountDescriptors(), descriptors);
}

TEST(ProfileReader, RejectsFilesThatTheirSenderCanChange) {
  const char* const error = "sent a file that is not sealed";
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE}) {
    const FakeProfileAgent agent([&](int client) {
      Send(client, ProfileDocument(),
           MemoryFileOf("heap_v2/1\n", kAllSeals & ~missing));
    });
    EXPECT_EQ(ReadError(agent), error) << missing;
  }
  const FakeProfileAgent pipe_agent([](int client) {
    int ends[2];
    if (pipe(ends) == 0) Send(client, ProfileDocument(), ends[0]);
  });
  EXPECT_EQ(ReadError(pipe_agent), error);
  const FakeProfileAgent disk_agent([](int client) {
    Send(client, ProfileDocument(), open("/proc/self/exe", O_RDONLY));
  });
  EXPECT_EQ(ReadError(disk_agent), error);
}

TEST(ProfileReader, KeepsNoFurtherDescriptor) {
  const FakeProfileAgent agent([](int client) {
    Send(client, ProfileDocument(), MemoryFileOf("heap_v2/1\n"), 30);
  });
  const int descriptors = CountDescriptors();
  EXPECT_EQ(Read(agent.pid()).dump, "heap_v2/1\n");
  EXPECT_EQ(CountDescriptors(), descriptors);
}

TEST(ProfileReader, RejectsLongFiles) {
  const FakeProfileAgent agent([](int client) {
    const int file = memfd_create("profile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (ftruncate(file, static_cast<off_t>(kMaxProfileBytes) + 1) != 0 ||
        fcntl(file, F_ADD_SEALS, kAllSeals) != 0) {
      _exit(1);
    }
    Send(client, ProfileDocument(), file);
  });
  EXPECT_EQ(ReadError(agent), "sent more than 64 MiB");
}

TEST(ProfileReader, ReportsFailuresOfTheAgent) {
  const FakeProfileAgent failed(
      [](int client) { Send(client, ProfileDocument("failed"), -1); });
  EXPECT_TRUE(ReadError(failed).starts_with("could not write a heap profile"));
  const FakeProfileAgent closed([](int) {});
  EXPECT_TRUE(ReadError(closed).starts_with("sent no heap profile: "));
  const FakeProfileAgent fileless(
      [](int client) { Send(client, ProfileDocument(), -1); });
  EXPECT_EQ(ReadError(fileless), "sent no file");
}

TEST(ProfileReader, RejectsInvalidDocuments) {
  for (const std::string document :
       {"x", "{", "[]", R"({"agent":2,"profile":"ok"})",
        R"({"profile":"ok"})"}) {
    const FakeProfileAgent agent([&](int client) {
      Send(client, document, MemoryFileOf("heap_v2/1\n"));
    });
    EXPECT_EQ(ReadError(agent), "sent an invalid document") << document;
  }
  const FakeProfileAgent endless([](int client) {
    const std::string text(4096, ' ');
    while (send(client, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  EXPECT_EQ(ReadError(endless), "sent no heap profile in time");
}

TEST(ProfileReader, ReturnsAtTheDeadline) {
  const FakeProfileAgent silent([](int) { pause(); });
  const auto start = steady_clock::now();
  EXPECT_EQ(ReadError(silent, milliseconds(100)),
            "sent no heap profile in time");
  EXPECT_GE(steady_clock::now() - start, milliseconds(100));
}

TEST(ProfileReader, RejectsASocketOfAnotherProcess) {
  const FakeAgent named([](const FakeAgent&) {});
  const FakeProfileAgent forger(
      [](int client) {
        Send(client, ProfileDocument(), MemoryFileOf("heap_v2/1\n"));
      },
      named.pid());
  EXPECT_TRUE(ReadError(named).starts_with("has no heap profile; start it"));
}

TEST(ProfileReader, ReportsProcessesThatDoNotExist) {
  FakeAgent agent([](const FakeAgent&) {});
  const pid_t pid = agent.pid();
  agent.Kill();
  try {
    Read(pid);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "there is no process " + std::to_string(pid));
  }
}

}  // namespace
}  // namespace jemalloc_exporter

#include "exporter/agent/profile_dump.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "exporter/agent/protocol.h"
#include "exporter/http/file_descriptor.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

// What the functions below return.
struct Settings {
  bool prof = true;
  bool prof_sys_thread_name = false;
  const char* version = "5.3.0-0-g54eaed1d8b56";
  int dump_result = 0;
  std::string dump = "heap_v2/1\n";
  std::string path;  // Of the last dump.
};

Settings settings;

template <typename T>
int Return(T value, void* to, const std::size_t* size) {
  if (*size != sizeof(value)) return EINVAL;
  std::memcpy(to, &value, sizeof(value));
  return 0;
}

int Profiled(const char* name, void* to, std::size_t* size, void* from,
             std::size_t) {
  const std::string key = name;
  if (key == "opt.prof") return Return(settings.prof, to, size);
  if (key == "opt.prof_sys_thread_name") {
    return Return(settings.prof_sys_thread_name, to, size);
  }
  if (key == "version") return Return(settings.version, to, size);
  if (key != "prof.dump") return ENOENT;
  settings.path = *static_cast<const char**>(from);
  const FileDescriptor file(creat(settings.path.c_str(), 0644));
  EXPECT_EQ(write(file.get(), settings.dump.data(), settings.dump.size()),
            static_cast<ssize_t>(settings.dump.size()));
  return settings.dump_result;
}

int Unprofiled(const char*, void*, std::size_t*, void*, std::size_t) {
  return ENOENT;
}

Jemallocs JemallocsWith(Mallctl* second) {
  Jemallocs jemallocs;
  jemallocs.Add(MallctlPrefix(""), Unprofiled);
  jemallocs.Add(MallctlPrefix("je_"), second);
  return jemallocs;
}

class ProfileDump : public testing::Test {
 protected:
  ProfileDump() { settings = Settings(); }
};

TEST_F(ProfileDump, IsOfTheJemallocThatSamples) {
  EXPECT_EQ(FindProfiledJemalloc(JemallocsWith(Profiled)), Profiled);
  EXPECT_EQ(FindProfiledJemalloc(JemallocsWith(nullptr)), nullptr);
  settings.prof = false;
  EXPECT_EQ(FindProfiledJemalloc(JemallocsWith(Profiled)), nullptr);
}

// Before 5.3.1 a dump may read the name of a thread after it is freed.
TEST_F(ProfileDump, IsNotWrittenWithTheNamesOfThreadsBefore531) {
  settings.prof_sys_thread_name = true;
  for (const char* const version :
       {"5.3.0-0-g54eaed1d8b56", "5.2.1-0-gea6b3e973b47", "4.5.0", "",
        "0.0.0-0-g0000000000000000"}) {
    settings.version = version;
    EXPECT_EQ(FindProfiledJemalloc(JemallocsWith(Profiled)), nullptr)
        << version;
  }
  for (const char* const version :
       {"5.3.1-0-g81034ce1f1373e37dc865038e1bc8eeecf559ce8", "5.4.0", "6.0.0",
        "5.10.0", "5.3.10"}) {
    settings.version = version;
    EXPECT_EQ(FindProfiledJemalloc(JemallocsWith(Profiled)), Profiled)
        << version;
  }
}

TEST_F(ProfileDump, IsInASealedFileReadFromItsStart) {
  const FileDescriptor file(DumpProfile(Profiled));
  ASSERT_TRUE(file);
  char bytes[64];
  EXPECT_EQ(std::string(bytes, read(file.get(), bytes, sizeof(bytes))),
            settings.dump);
  EXPECT_EQ(pwrite(file.get(), "x", 1, 0), -1);
  EXPECT_EQ(ftruncate(file.get(), 0), -1);
  EXPECT_EQ(settings.path,
            "/proc/thread-self/fd/" + std::to_string(file.get()));
}

TEST_F(ProfileDump, FailsWhereJemallocWritesNothing) {
  settings.dump_result = EFAULT;
  EXPECT_EQ(DumpProfile(Profiled), -1);
  settings.dump_result = 0;
  settings.dump = "";
  EXPECT_EQ(DumpProfile(Profiled), -1);
}

// jemalloc returns success for a dump that the limit has cut.
TEST_F(ProfileDump, FailsWhereItIsAsLongAsTheLimitOfFiles) {
  RunInSubprocess([] {
    rlimit limit = {settings.dump.size(), RLIM_INFINITY};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_EQ(DumpProfile(Profiled), -1);
    ++limit.rlim_cur;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_GE(DumpProfile(Profiled), 0);
  });
}

TEST_F(ProfileDump, IsSentWithADocument) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const FileDescriptor receiver(ends[0]);
  const FileDescriptor sender(ends[1]);
  const std::string long_name(100, '\1');
  SendProfile(sender.get(), long_name, long_name, -1);
  char bytes[4096];
  const ssize_t size = read(receiver.get(), bytes, sizeof(bytes));
  const auto escaped = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "\\u0001";
    return text;
  };
  EXPECT_EQ(std::string(bytes, size),
            R"({"agent":1,"pid":)" + std::to_string(getpid()) + R"(,"comm":")" +
                escaped(kMaxCommSize) + R"(","jemalloc_version":")" +
                escaped(kMaxJemallocVersionSize) + R"(","profile":"failed"})");
}

}  // namespace
}  // namespace jemalloc_exporter

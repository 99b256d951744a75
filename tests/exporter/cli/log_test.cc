#include "exporter/cli/log.h"

#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <string>

namespace jemalloc_exporter {
namespace {

// Returns the log output of `body` with the time masked.
std::string Logged(const std::function<void()>& body) {
  testing::internal::CaptureStderr();
  body();
  return std::regex_replace(
      testing::internal::GetCapturedStderr(),
      std::regex("20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z"), "TIME");
}

TEST(Log, IsLogfmt) {
  ConfigureLog(LogLevel::kInfo, LogFormat::kLogfmt);
  EXPECT_EQ(Logged([] {
              Log(LogLevel::kInfo, "Listening", {{"address", "[::]:10536"}});
              Log(LogLevel::kWarn, "Two words", {{"err", "a b"}, {"n", ""}});
            }),
            "time=TIME level=info msg=Listening address=[::]:10536\n"
            "time=TIME level=warn msg=\"Two words\" err=\"a b\" n=\"\"\n");
}

TEST(Log, IsJson) {
  ConfigureLog(LogLevel::kInfo, LogFormat::kJson);
  EXPECT_EQ(Logged([] {
              Log(LogLevel::kError, "Two words", {{"address", ":1"}});
            }),
            R"({"time":"TIME","level":"error","msg":"Two words",)"
            R"("address":":1"})"
            "\n");
}

TEST(Log, DropsRecordsBelowTheLevel) {
  ConfigureLog(LogLevel::kWarn, LogFormat::kLogfmt);
  EXPECT_EQ(Logged([] {
              Log(LogLevel::kDebug, "debug");
              Log(LogLevel::kInfo, "info");
              Log(LogLevel::kWarn, "warn");
              Log(LogLevel::kError, "error");
            }),
            "time=TIME level=warn msg=warn\n"
            "time=TIME level=error msg=error\n");
}

TEST(Log, EscapesControlCharacters) {
  ConfigureLog(LogLevel::kInfo, LogFormat::kLogfmt);
  EXPECT_EQ(
      Logged([] {
        Log(LogLevel::kInfo, "m", {{"path", "/\n\" {} %v \xff=\\"}});
      }),
      "time=TIME level=info msg=m path=\"/\\n\\\" {} %v \xEF\xBF\xBD=\\\\\"\n");
}

}  // namespace
}  // namespace jemalloc_exporter

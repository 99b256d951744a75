#include "jemalloc_exporter/heap_push.h"

#include <gtest/gtest.h>
#include <prometheus/gateway.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "collector/gtest/test_process.h"

namespace jemalloc_exporter {
namespace {

// prometheus-cpp's own request has no limit of any kind.
constexpr std::chrono::seconds kTimeout{5};

// The gateway puts names into its URL's path as they are.
std::string UrlSegment(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string segment;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      segment += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    segment += {'%', kHexDigits[byte / 16], kHexDigits[byte % 16]};
  }
  return segment;
}

// Returns the answer's status, or the negative of curl's error.
int Push(const std::string& url,
         const std::shared_ptr<prometheus::Collectable>& metrics) {
  prometheus::Labels group = TestProcessLabels();
  const std::string job = UrlSegment(group.extract("program").mapped());
  // The gateway joins its two halves of the address with a colon again.
  const auto colon = url.rfind(':');
  prometheus::Gateway gateway(url.substr(0, colon), url.substr(colon + 1), job,
                              group);
  gateway.RegisterCollectable(metrics);
  // Of prometheus-cpp's two the one that sends a PUT, which replaces the group.
  return gateway.PushAdd();
}

// Returns what went wrong; empty if nothing did.
std::string PushInTime(
    const std::string& url,
    const std::shared_ptr<prometheus::Collectable>& metrics) {
  std::packaged_task<int()> push([url, metrics] { return Push(url, metrics); });
  std::future<int> done = push.get_future();
  std::thread(std::move(push)).detach();
  if (done.wait_for(kTimeout) != std::future_status::ready) {
    return "no answer within " + std::to_string(kTimeout.count()) + " s";
  }
  const int status = done.get();
  if (status < 0) return "curl error " + std::to_string(-status);
  return status < 400 ? "" : "HTTP status " + std::to_string(status);
}

class Pusher final : public testing::EmptyTestEventListener {
 public:
  explicit Pusher(std::shared_ptr<prometheus::Collectable> metrics)
      : metrics_(std::move(metrics)) {}

  void OnTestProgramStart(const testing::UnitTest&) override {
    pid_ = getpid();
  }

  void OnTestProgramEnd(const testing::UnitTest&) override try {
    const char* const url = std::getenv("JEMALLOC_EXPORTER_TEST_PUSH_URL");
    if (url == nullptr || *url == '\0' || getpid() != pid_) return;
    const std::string error = PushInTime(url, metrics_);
    if (!error.empty()) {
      Complain("cannot push to " + std::string(url) + ": " + error);
    }
  } catch (const std::exception& exception) {
    Complain(std::string("cannot push: ") + exception.what());
  }

 private:
  const std::shared_ptr<prometheus::Collectable> metrics_;
  pid_t pid_ = 0;
};

}  // namespace

void PushAtEnd(std::shared_ptr<prometheus::Collectable> metrics) {
  testing::UnitTest::GetInstance()->listeners().Append(
      new Pusher(std::move(metrics)));
}

}  // namespace jemalloc_exporter

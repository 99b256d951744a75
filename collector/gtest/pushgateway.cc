#include "jemalloc_exporter/pushgateway.h"

#include <curl/curl.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "collector/gtest/test_environment.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::seconds kTimeout{5};

using CurlInteger = long;  // NOLINT(google-runtime-int): curl_easy_setopt(3)

// RFC 4648, section 5. The Pushgateway accepts any label value in this form; a
// percent-encoded slash it rejects.
std::string Base64Url(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string encoded;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const std::string_view group = text.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 |
             (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      encoded +=
          j <= group.size() ? kAlphabet[bits >> (18 - 6 * j) & 0x3F] : '=';
    }
  }
  return encoded;
}

// The URL of this process's group.
std::string GroupUrl(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  prometheus::Labels labels = TestProcessLabels();
  url += "/metrics/job@base64/" + Base64Url(labels.extract("program").mapped());
  for (const auto& [name, value] : labels) {
    url.append("/").append(name).append("@base64/").append(Base64Url(value));
  }
  return url;
}

// `url` without the credentials in it, for messages.
std::string WithoutCredentials(std::string url) {
  const auto scheme = url.find("://");
  const auto authority = scheme == std::string::npos ? 0 : scheme + 3;
  const auto at = url.substr(0, url.find('/', authority)).rfind('@');
  if (at != std::string::npos) url.erase(authority, at + 1 - authority);
  return url;
}

std::size_t Discard(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

// Replaces the group at `url`. Returns the error; empty on success.
std::string Put(const std::string& url, const std::string& body) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(
      curl_easy_init(), curl_easy_cleanup);
  curl_slist* list = curl_slist_append(
      nullptr, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
  list = curl_slist_append(list, "Expect:");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      list, curl_slist_free_all);
  if (curl == nullptr || headers == nullptr) return "out of memory";
  const CurlInteger timeout = std::chrono::milliseconds(kTimeout).count();
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, "PUT");
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Discard);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, timeout);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return "no response within " + std::to_string(kTimeout.count()) + " s";
  }
  if (code != CURLE_OK) return curl_easy_strerror(code);
  CurlInteger status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status / 100 == 2) return {};
  return "HTTP status " + std::to_string(status);
}

class PushgatewayListener final : public testing::EmptyTestEventListener {
 public:
  explicit PushgatewayListener(std::shared_ptr<prometheus::Collectable> metrics)
      : metrics_(std::move(metrics)) {}

  void OnTestProgramStart(const testing::UnitTest&) override {
    pid_ = getpid();
  }

  void OnTestProgramEnd(const testing::UnitTest&) override try {
    const char* const url = std::getenv("JEMALLOC_EXPORTER_TEST_PUSH_URL");
    if (url == nullptr || *url == '\0' || getpid() != pid_) return;
    const std::string error =
        Put(GroupUrl(url),
            prometheus::TextSerializer().Serialize(metrics_->Collect()));
    if (!error.empty()) {
      PrintListenerError("cannot push to " + WithoutCredentials(url) + ": " +
                         error);
    }
  } catch (const std::exception& exception) {
    PrintListenerError(std::string("cannot push: ") + exception.what());
  }

 private:
  const std::shared_ptr<prometheus::Collectable> metrics_;
  pid_t pid_ = 0;
};

}  // namespace

void InstallPushgatewayListener(
    std::shared_ptr<prometheus::Collectable> metrics) {
  testing::UnitTest::GetInstance()->listeners().Append(
      new PushgatewayListener(std::move(metrics)));
}

}  // namespace jemalloc_exporter

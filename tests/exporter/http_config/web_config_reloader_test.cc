#include "exporter/http_config/web_config_reloader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/test_certificates.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using std::chrono_literals::operator""ms;

const std::string kHash =
    "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy";

// The file of a reloader, in memory, and the outcomes that it reports.
class FakeFile {
 public:
  explicit FakeFile(WebConfig config) : config_(std::move(config)) {}

  WebConfig Read() {
    std::unique_lock lock(mutex_);
    ++reads_;
    changed_.wait(lock, [this] { return !blocked_; });
    if (!error_.empty()) throw std::runtime_error(error_);
    return config_;
  }
  void Write(const WebConfig& config) {
    const std::lock_guard lock(mutex_);
    config_ = config;
    error_.clear();
  }
  void Break(const std::string& error) {
    const std::lock_guard lock(mutex_);
    error_ = error;
  }
  void Block(bool blocked) {
    const std::lock_guard lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }
  void AwaitReads(int more) const {
    const int target = reads() + more;
    EXPECT_TRUE(WaitFor([&] { return reads() >= target; }));
  }
  void AwaitReports(std::size_t count) const {
    EXPECT_TRUE(WaitFor([&] { return reports().size() >= count; }));
  }
  int reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }
  std::vector<std::string> reports() const {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  void Report(const std::string& error) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(error);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  WebConfig config_;
  std::string error_;
  bool blocked_ = false;
  int reads_ = 0;
  std::vector<std::string> reports_;
};

class WebConfigReloaderTest : public testing::Test {
 protected:
  static WebConfig Users(const std::string& name) {
    WebConfig config;
    config.basic_auth_users = {{name, kHash}};
    return config;
  }
  static WebConfig Protected() {
    static const TestCertificate certificate;
    WebConfig config = Users("alice");
    config.tls.emplace();
    config.tls->cert = certificate.cert();
    config.tls->key = certificate.key();
    config.tls->client_ca = certificate.cert();
    config.tls->client_auth = ClientAuth::kRequireAndVerify;
    config.tls->client_allowed_sans = {"prometheus"};
    config.tls->min_version = 3;
    config.tls->cipher_suites = {"TLS_AES_256_GCM_SHA384"};
    config.tls->curve_preferences = {"X25519"};
    return config;
  }
  // Returns how a reload from Protected() to a change of it ends.
  static std::string Reload(const std::function<void(WebConfig&)>& change) {
    const auto file = std::make_shared<FakeFile>(Protected());
    const auto reloader = Start(file, {.interval = kNever});
    WebConfig config = Protected();
    change(config);
    file->Write(config);
    return Reload(*reloader, *file);
  }
  // Returns what a requested reload reports.
  static std::string Reload(WebConfigReloader& reloader, const FakeFile& file) {
    const std::size_t before = file.reports().size();
    reloader.RequestReload();
    EXPECT_TRUE(WaitFor([&] { return file.reports().size() > before; }));
    return file.reports().back();
  }

  static std::unique_ptr<WebConfigReloader> Start(
      const std::shared_ptr<FakeFile>& file,
      WebConfigReloader::Timing timing = {.interval = 1ms}) {
    return std::make_unique<WebConfigReloader>(
        "web.yml", [file] { return file->Read(); }, ReportsTo(file), timing);
  }
  static WebConfigReloader::Report ReportsTo(
      const std::shared_ptr<FakeFile>& file) {
    return [file](const std::string& error) { file->Report(error); };
  }
  static std::string ErrorOfStart(const std::shared_ptr<FakeFile>& file,
                                  WebConfigReloader::Timing timing = {}) {
    try {
      Start(file, timing);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }

  // Only RequestReload makes it read.
  static constexpr std::chrono::hours kNever{1};
};

TEST_F(WebConfigReloaderTest, ThrowsTheFirstError) {
  const auto file = std::make_shared<FakeFile>(WebConfig());
  file->Break("web.yml: line 1: wrong");
  EXPECT_EQ(ErrorOfStart(file), "web.yml: line 1: wrong");
  WebConfig config = Protected();
  config.tls->key = "x";
  file->Write(config);
  EXPECT_EQ(ErrorOfStart(file),
            "web.yml: key: no unencrypted private key in PEM format");
}

TEST_F(WebConfigReloaderTest, ThrowsIfTheFirstReadBlocks) {
  const auto file = std::make_shared<FakeFile>(WebConfig());
  file->Block(true);
  EXPECT_EQ(ErrorOfStart(file, {.start_timeout = 1ms}),
            "web.yml: not read within 1 s");
  file->Block(false);
}

TEST_F(WebConfigReloaderTest, AppliesANewVersion) {
  const auto file = std::make_shared<FakeFile>(WebConfig());
  const auto reloader = Start(file);
  const ServerSecurity security = reloader->Security();
  EXPECT_EQ(security.check_credentials(""), AuthResult::kAllowed);
  file->AwaitReads(3);
  EXPECT_TRUE(file->reports().empty());
  file->Write(Users("alice"));
  file->AwaitReports(1);
  EXPECT_EQ(security.check_credentials(""), AuthResult::kDenied);
  EXPECT_EQ(file->reports(), std::vector<std::string>{""});
}

TEST_F(WebConfigReloaderTest, KeepsTheLastVersionAndReportsAnErrorOnce) {
  const auto file = std::make_shared<FakeFile>(Users("alice"));
  const auto reloader = Start(file);
  file->Break("web.yml: gone");
  file->AwaitReads(4);
  EXPECT_EQ(reloader->Security().check_credentials(""), AuthResult::kDenied);
  EXPECT_EQ(file->reports(), std::vector<std::string>{"web.yml: gone"});
  file->Break("web.yml: broken");
  file->AwaitReads(4);
  // As it was: no new version, but the error is over.
  file->Write(Users("alice"));
  file->AwaitReports(3);
  EXPECT_EQ(file->reports(),
            (std::vector<std::string>{"web.yml: gone", "web.yml: broken", ""}));
}

TEST_F(WebConfigReloaderTest, ReportsEveryRequestedReload) {
  const auto file = std::make_shared<FakeFile>(Users("alice"));
  const auto reloader = Start(file, {.interval = kNever});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Reload(*reloader, *file), "");
  file->Break("broken");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Reload(*reloader, *file), "broken");
  EXPECT_EQ(file->reports().size(), 4U);
}

TEST_F(WebConfigReloaderTest, ReportsThatAPipeIsReadOnce) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const std::string yaml = "basic_auth_users: {alice: " + kHash + "}\n";
  ASSERT_EQ(write(ends[1], yaml.data(), yaml.size()),
            static_cast<ssize_t>(yaml.size()));
  close(ends[1]);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  const auto outcomes = std::make_shared<FakeFile>(WebConfig());
  WebConfigReloader reloader(path, ReportsTo(outcomes));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Reload(reloader, *outcomes),
              path + ": a pipe is read once; restart to apply");
  }
  EXPECT_EQ(reloader.Security().check_credentials(""), AuthResult::kDenied);
  EXPECT_EQ(outcomes->reports().size(), 2U);
  close(ends[0]);
}

TEST_F(WebConfigReloaderTest, StartsEmptyWithoutAnySetting) {
  EXPECT_TRUE(Start(std::make_shared<FakeFile>(WebConfig()))->started_empty());
  EXPECT_FALSE(
      Start(std::make_shared<FakeFile>(Users("alice")))->started_empty());
}

TEST_F(WebConfigReloaderTest, BlocksNoCallWhileAReadBlocks) {
  const auto file = std::make_shared<FakeFile>(Users("alice"));
  {
    const auto reloader = Start(file);
    const ServerSecurity security = reloader->Security();
    file->Block(true);
    file->AwaitReads(1);
    EXPECT_EQ(security.check_credentials(""), AuthResult::kDenied);
    EXPECT_TRUE(security.headers().empty());
    reloader->RequestReload();
  }  // Nor does the end of the program wait for it.
  file->Block(false);
  // A thread that runs after main() leaks what OpenSSL allocates for it.
  EXPECT_TRUE(WaitFor([&] { return file.use_count() == 1; }));
}

TEST_F(WebConfigReloaderTest, RejectsAnEmptyFile) {
  EXPECT_EQ(Reload([](WebConfig& config) { config = WebConfig(); }),
            "web.yml: the file is empty");
}

TEST_F(WebConfigReloaderTest, NeverWeakensProtection) {
  const std::pair<std::string, std::function<void(WebConfig&)>> changes[] = {
      {"basic_auth_users",
       [](WebConfig& config) { config.basic_auth_users.clear(); }},
      {"tls_server_config", [](WebConfig& config) { config.tls.reset(); }},
      {"tls_server_config.client_auth_type",
       [](WebConfig& config) {
         config.tls->client_auth = ClientAuth::kVerifyIfGiven;
       }},
      {"tls_server_config.client_auth_type",
       [](WebConfig& config) {
         config.tls->client_auth = ClientAuth::kRequireAny;
       }},
      {"tls_server_config.client_ca",
       [](WebConfig& config) { config.tls->client_ca.clear(); }},
      {"tls_server_config.client_allowed_sans",
       [](WebConfig& config) { config.tls->client_allowed_sans.clear(); }},
      {"tls_server_config.cipher_suites",
       [](WebConfig& config) { config.tls->cipher_suites.clear(); }},
      {"tls_server_config.curve_preferences",
       [](WebConfig& config) { config.tls->curve_preferences.clear(); }},
      {"tls_server_config.min_version",
       [](WebConfig& config) { config.tls->min_version = 2; }}};
  for (const auto& [key, change] : changes) {
    EXPECT_EQ(
        Reload(change),
        "web.yml: " + key + ": a reload does not weaken it; restart to apply");
  }
}

TEST_F(WebConfigReloaderTest, AppliesOtherChanges) {
  EXPECT_EQ(Reload([](WebConfig& config) {
              config.basic_auth_users = {{"bob", kHash}};
              config.tls->client_allowed_sans = {"other"};
              config.tls->curve_preferences = {"CurveP256"};
              config.headers = {{"X-Frame-Options", "deny"}};
            }),
            "");
}

TEST_F(WebConfigReloaderTest, KeepsVerifiedPasswordsOfTheSameUsers) {
  const auto file = std::make_shared<FakeFile>(Users("alice"));
  const auto reloader = Start(file, {.interval = kNever});
  const ServerSecurity security = reloader->Security();
  const std::string alice = "Basic YWxpY2U6c2VjcmV0";
  EXPECT_TRUE(security.verify_password(alice));
  WebConfig config = Users("alice");
  config.headers = {{"X-Frame-Options", "deny"}};
  file->Write(config);
  Reload(*reloader, *file);
  EXPECT_EQ(security.headers().size(), 1U);
  EXPECT_EQ(security.check_credentials(alice), AuthResult::kAllowed);
  file->Write(Users("bob"));
  Reload(*reloader, *file);
  EXPECT_EQ(security.check_credentials(alice), AuthResult::kPending);
}

}  // namespace
}  // namespace jemalloc_exporter

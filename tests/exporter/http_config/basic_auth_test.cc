#include "exporter/http_config/basic_auth.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jemalloc_exporter {
namespace {

// bcrypt of "secret" and of "other", as cheap as bcrypt can be.
const std::string kSecret =
    "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy";
const std::string kOther =
    "$2y$04$nr6jJ42N6XmgkNZA8V5U8.Boicuk1RO4UllJko6Hohjo8ak9QJ3Ja";

TEST(ReadLogin, FindsUserAndPassword) {
  for (const std::string text :
       {"Basic YWxpY2U6cGFzczp3b3Jk", "basic YWxpY2U6cGFzczp3b3Jk"}) {
    const auto login = ReadLogin(text);
    ASSERT_TRUE(login) << text;
    EXPECT_EQ(login->user, "alice");
    EXPECT_EQ(login->password, "pass:word");
  }
  EXPECT_EQ(ReadLogin("Basic Og==")->password, "");
}

TEST(ReadLogin, FindsNoneInAnythingElse) {
  for (const std::string text :
       {"", "Basic", "Basic ", "Basic YWxpY2U=", "Basic !!!!", "Bearer YTpi",
        "YTpi", "BasicYTpi", "Basic YTpiAGM=",
        // EVP_DecodeBlock accepts all of these.
        "Basic  YTpi", "Basic YTpi\n", "Basic YTpi ", "Basic YTp=YTpi",
        "Basic YTpiYTpi====", "Basic YTpi====", "Basic YTo", "Basic YTo=="}) {
    EXPECT_FALSE(ReadLogin(text)) << text;
  }
}

TEST(BasicAuth, LetsEverybodyInWithoutUsers) {
  BasicAuth auth({});
  EXPECT_EQ(auth.Judge(std::nullopt), AuthResult::kAllowed);
  EXPECT_EQ(auth.Judge(Login{"alice", "x"}), AuthResult::kAllowed);
  EXPECT_TRUE(auth.Verify(Login{"alice", "x"}));
}

TEST(BasicAuth, LetsNobodyInWithoutALogin) {
  BasicAuth auth({{"alice", kSecret}});
  EXPECT_EQ(auth.Judge(std::nullopt), AuthResult::kDenied);
  EXPECT_FALSE(auth.Verify(std::nullopt));
}

TEST(BasicAuth, VerifiesThePasswordOfAUser) {
  BasicAuth auth({{"alice", kSecret}, {"bob", kOther}});
  EXPECT_TRUE(auth.Verify(Login{"alice", "secret"}));
  EXPECT_TRUE(auth.Verify(Login{"bob", "other"}));
}

TEST(BasicAuth, RefusesAnyOtherPassword) {
  BasicAuth auth({{"alice", kSecret}, {"bob", kOther}});
  for (const std::string& password :
       {std::string(), std::string("other"), std::string("Secret"),
        std::string("secret "), kSecret, std::string(100'000, 's')}) {
    EXPECT_FALSE(auth.Verify(Login{"alice", password})) << password;
  }
}

TEST(BasicAuth, RefusesAnUnknownUserWhateverThePassword) {
  BasicAuth auth({{"alice", kSecret}});
  for (const std::string password : {"secret", ""}) {
    EXPECT_FALSE(auth.Verify(Login{"mallory", password}));
    EXPECT_FALSE(auth.Verify(Login{"", password}));
  }
}

TEST(BasicAuth, RemembersWhatItVerified) {
  BasicAuth auth({{"alice", kSecret}});
  const Login right{"alice", "secret"};
  const Login wrong{"alice", "guess"};
  const Login stranger{"mallory", "secret"};
  for (const Login& login : {right, wrong, stranger}) {
    EXPECT_EQ(auth.Judge(login), AuthResult::kPending);
    auth.Verify(login);
  }
  EXPECT_EQ(auth.Judge(right), AuthResult::kAllowed);
  EXPECT_EQ(auth.Judge(wrong), AuthResult::kDenied);
  EXPECT_EQ(auth.Judge(stranger), AuthResult::kDenied);
}

// As in CVE-2022-46146, where what was remembered was the parts in one string.
TEST(BasicAuth, TellsLoginsApartThatReadTheSameInOnePiece) {
  BasicAuth auth({{"alice", kSecret}});
  auth.Verify(Login{"alice", "x" + kSecret + "y"});
  EXPECT_EQ(auth.Judge(Login{"alice" + kSecret + "x", "y"}),
            AuthResult::kPending);
}

TEST(BasicAuth, ForgetsNoRightLoginForAllTheWrongOnes) {
  BasicAuth auth({{"alice", kSecret}});
  const Login right{"alice", "secret"};
  auth.Verify(right);
  for (std::size_t i = 0; i <= BasicAuth::kMaxRemembered; ++i) {
    auth.Verify(Login{"alice", std::to_string(i)});
  }
  EXPECT_EQ(auth.Judge(right), AuthResult::kAllowed);
  EXPECT_EQ(auth.Judge(Login{"alice", "0"}), AuthResult::kPending);
}

TEST(BasicAuth, AnswersSeveralThreads) {
  BasicAuth auth({{"alice", kSecret}});
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Login login{"alice", i % 2 == 0 ? "secret" : std::to_string(i)};
      auth.Judge(login);
      if (auth.Verify(login)) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 2);
}

}  // namespace
}  // namespace jemalloc_exporter

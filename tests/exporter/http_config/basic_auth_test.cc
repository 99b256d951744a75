#include "exporter/http_config/basic_auth.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace jemalloc_exporter {
namespace {

// bcrypt hashes of "secret" and of "other" at the lowest cost.
const std::string kSecret =
    "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy";
const std::string kOther =
    "$2y$04$nr6jJ42N6XmgkNZA8V5U8.Boicuk1RO4UllJko6Hohjo8ak9QJ3Ja";

TEST(ParseBasicAuthorization, ReturnsUserAndPassword) {
  for (const std::string text :
       {"Basic YWxpY2U6cGFzczp3b3Jk", "basic YWxpY2U6cGFzczp3b3Jk"}) {
    const auto credentials = ParseBasicAuthorization(text);
    ASSERT_TRUE(credentials) << text;
    EXPECT_EQ(credentials->user, "alice");
    EXPECT_EQ(credentials->password, "pass:word");
  }
  EXPECT_EQ(ParseBasicAuthorization("Basic Og==")->password, "");
}

TEST(ParseBasicAuthorization, RejectsMalformedValues) {
  for (const std::string text :
       {"", "Basic", "Basic ", "Basic YWxpY2U=", "Basic !!!!", "Bearer YTpi",
        "YTpi", "BasicYTpi", "Basic YTpiAGM=",
        // EVP_DecodeBlock accepts all of these.
        "Basic  YTpi", "Basic YTpi\n", "Basic YTpi ", "Basic YTp=YTpi",
        "Basic YTpiYTpi====", "Basic YTpi====", "Basic YTpiA===", "Basic YTo",
        "Basic YTo=="}) {
    EXPECT_FALSE(ParseBasicAuthorization(text)) << text;
  }
}

TEST(BasicAuth, AllowsAllRequestsWithoutUsers) {
  BasicAuth auth({});
  EXPECT_EQ(auth.Check(std::nullopt), AuthResult::kAllowed);
  EXPECT_EQ(auth.Check(Credentials{"alice", "x"}), AuthResult::kAllowed);
  EXPECT_TRUE(auth.Verify(Credentials{"alice", "x"}));
}

TEST(BasicAuth, DeniesRequestsWithoutCredentials) {
  BasicAuth auth({{"alice", kSecret}});
  EXPECT_EQ(auth.Check(std::nullopt), AuthResult::kDenied);
  EXPECT_FALSE(auth.Verify(std::nullopt));
}

TEST(BasicAuth, AcceptsThePasswordOfAUser) {
  BasicAuth auth({{"alice", kSecret}, {"bob", kOther}});
  EXPECT_TRUE(auth.Verify(Credentials{"alice", "secret"}));
  EXPECT_TRUE(auth.Verify(Credentials{"bob", "other"}));
}

TEST(BasicAuth, RejectsOtherPasswords) {
  BasicAuth auth({{"alice", kSecret}, {"bob", kOther}});
  for (const std::string& password :
       {std::string(), std::string("other"), std::string("Secret"),
        std::string("secret "), kSecret, std::string(100'000, 's')}) {
    EXPECT_FALSE(auth.Verify(Credentials{"alice", password})) << password;
  }
}

TEST(BasicAuth, RejectsAnUnknownUserWithAnyPassword) {
  BasicAuth auth({{"alice", kSecret}});
  for (const std::string password : {"secret", ""}) {
    EXPECT_FALSE(auth.Verify(Credentials{"mallory", password}));
    EXPECT_FALSE(auth.Verify(Credentials{"", password}));
  }
}

// Otherwise the time of a response would reveal whether a user exists.
TEST(BasicAuth, VerifiesAnUnknownUserAtTheHighestCost) {
  std::string hash;
  BasicAuth auth({{"a", "$2y$04$"}, {"b", "$2y$12$"}, {"c", "$2y$10$"}},
                 [&](const std::string&, const std::string& used) {
                   hash = used;
                   return true;
                 });
  EXPECT_FALSE(auth.Verify(Credentials{"mallory", "x"}));
  EXPECT_EQ(hash, "$2y$12$");
}

TEST(BasicAuth, CachesResults) {
  BasicAuth auth({{"alice", kSecret}});
  const Credentials accepted{"alice", "secret"};
  const Credentials rejected{"alice", "guess"};
  const Credentials unknown{"mallory", "secret"};
  for (const Credentials& credentials : {accepted, rejected, unknown}) {
    EXPECT_EQ(auth.Check(credentials), AuthResult::kPending);
    auth.Verify(credentials);
  }
  EXPECT_EQ(auth.Check(accepted), AuthResult::kAllowed);
  EXPECT_EQ(auth.Check(rejected), AuthResult::kDenied);
  EXPECT_EQ(auth.Check(unknown), AuthResult::kDenied);
}

// CVE-2022-46146: there the cache's key was the concatenation of the parts.
TEST(BasicAuth, CacheDistinguishesCredentialsOfEqualConcatenation) {
  BasicAuth auth({{"alice", kSecret}});
  auth.Verify(Credentials{"alice", "x" + kSecret + "y"});
  EXPECT_EQ(auth.Check(Credentials{"alice" + kSecret + "x", "y"}),
            AuthResult::kPending);
  ASSERT_TRUE(auth.Verify(Credentials{"alice", "secret"}));
  EXPECT_EQ(auth.Check(Credentials{"alicesec", "ret"}), AuthResult::kPending);
}

TEST(BasicAuth, RejectedCredentialsEvictNoAcceptedOnes) {
  BasicAuth auth({{"alice", kSecret}},
                 [](const std::string& password, const std::string&) {
                   return password == "secret";
                 });
  const Credentials accepted{"alice", "secret"};
  auth.Verify(accepted);
  for (std::size_t i = 0; i <= BasicAuth::kMaxCached; ++i)
    auth.Verify(Credentials{"alice", std::to_string(i)});
  EXPECT_EQ(auth.Check(accepted), AuthResult::kAllowed);
  EXPECT_EQ(auth.Check(Credentials{"alice", "0"}), AuthResult::kPending);
}

}  // namespace
}  // namespace jemalloc_exporter

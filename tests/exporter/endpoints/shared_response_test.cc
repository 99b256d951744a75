#include "exporter/endpoints/shared_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace jemalloc_exporter {
namespace {

using testing::ThrowsMessage;

// Counts the calls, each of which has a response of its own.
struct Responder {
  SharedResponse latest = {};
  int calls = 0;

  std::string Get(const Request& request) {
    const auto response = [this] {
      return Response{.body = std::to_string(++calls)};
    };
    return latest.Get(request, response).body;
  }
};

TEST(SharedResponse, IsSharedByEqualRequestsReceivedBeforeIt) {
  Responder responder;
  const Request first;
  const Request second;
  EXPECT_EQ(responder.Get(first), "1");
  EXPECT_EQ(responder.Get(second), "1");
  EXPECT_EQ(responder.Get(first), "1");
}

TEST(SharedResponse, IsNotSharedWithARequestReceivedLater) {
  Responder responder;
  EXPECT_EQ(responder.Get({}), "1");
  EXPECT_EQ(responder.Get({}), "2");
}

TEST(SharedResponse, IsNotSharedWithARequestReceivedDuringIt) {
  SharedResponse latest;
  Request during;
  latest.Get({}, [&] {
    during = Request();
    return Response{.body = "stale"};
  });
  const auto fresh = [] { return Response{.body = "fresh"}; };
  EXPECT_EQ(latest.Get(during, fresh).body, "fresh");
}

TEST(SharedResponse, IsNotSharedWithADifferentRequest) {
  Responder responder;
  const Request plain;
  Request other = plain;
  other.accept = "application/openmetrics-text";
  Request zipped = plain;
  zipped.accept_encoding = "gzip";
  Request hurried = plain;
  hurried.scrape_timeout = "1";
  Request filtered = plain;
  filtered.query = "collect[]=heap";
  EXPECT_EQ(responder.Get(plain), "1");
  EXPECT_EQ(responder.Get(other), "2");
  EXPECT_EQ(responder.Get(zipped), "3");
  EXPECT_EQ(responder.Get(hurried), "4");
  EXPECT_EQ(responder.Get(filtered), "5");
}

// A call that began later is not replaced by one that took longer.
TEST(SharedResponse, StaysTheOneThatBeganLast) {
  SharedResponse latest;
  const Request request;
  const auto fast = [] { return Response{.body = "fast"}; };
  const auto slow = [&] {
    latest.Get(request, fast);
    return Response{.body = "slow"};
  };
  EXPECT_EQ(latest.Get(request, slow).body, "slow");
  EXPECT_EQ(latest.Get(request, slow).body, "fast");
}

TEST(SharedResponse, IsNoException) {
  SharedResponse latest;
  const Request request;
  const auto fail = []() -> Response { throw std::runtime_error("no heap"); };
  EXPECT_THAT([&] { latest.Get(request, fail); },
              ThrowsMessage<std::runtime_error>("no heap"));
  const auto succeed = [] { return Response{.body = "heap"}; };
  EXPECT_EQ(latest.Get(request, succeed).body, "heap");
}

}  // namespace
}  // namespace jemalloc_exporter

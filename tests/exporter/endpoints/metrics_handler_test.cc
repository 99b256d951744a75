#include "exporter/endpoints/metrics_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/collectables.h"

namespace jemalloc_exporter {
namespace {

using testing::ThrowsMessage;

const Request kOpenMetrics = {.accept = "application/openmetrics-text"};

std::string PageOf(const MetricsHandler& handler) {
  return handler.Respond({}).body;
}

TEST(MetricsHandler, RespondsInTheNegotiatedFormat) {
  MetricsHandler handler;
  const auto gauge = GaugeOf("g", 1);
  handler.Add(gauge);
  EXPECT_EQ(handler.Respond({}).body, "# TYPE g gauge\ng 1\n");
  EXPECT_EQ(handler.Respond(kOpenMetrics).body, "# TYPE g gauge\ng 1\n# EOF\n");
}

TEST(MetricsHandler, RespondsWithoutCollectables) {
  const MetricsHandler handler;
  EXPECT_EQ(handler.Respond({}).body, "");
  EXPECT_EQ(handler.Respond(kOpenMetrics).body, "# EOF\n");
}

TEST(MetricsHandler, MergesTheFamiliesOfItsCollectables) {
  MetricsHandler handler;
  const auto one = GaugeOf("g", 1, {{"pid", "1"}});
  const auto other = GaugeOf("h", 2);
  const auto two = GaugeOf("g", 3, {{"pid", "2"}});
  handler.Add(one);
  handler.Add(other);
  handler.Add(two);
  EXPECT_EQ(PageOf(handler),
            "# TYPE g gauge\ng{pid=\"1\"} 1\ng{pid=\"2\"} 3\n"
            "# TYPE h gauge\nh 2\n");
}

TEST(MetricsHandler, CollectsForEachResponse) {
  MetricsHandler handler;
  int collected = 0;
  const auto counting = Collecting([&] {
    return FakeCollectable::Families{Gauges("collected", {Value(++collected)})};
  });
  handler.Add(counting);
  EXPECT_EQ(PageOf(handler), "# TYPE collected gauge\ncollected 1\n");
  EXPECT_EQ(PageOf(handler), "# TYPE collected gauge\ncollected 2\n");
}

TEST(MetricsHandler, OmitsDestroyedCollectables) {
  MetricsHandler handler;
  auto gone = GaugeOf("gone", 1);
  const auto here = GaugeOf("here", 1);
  handler.Add(gone);
  handler.Add(here);
  gone.reset();
  EXPECT_EQ(PageOf(handler), "# TYPE here gauge\nhere 1\n");
}

TEST(MetricsHandler, OmitsRemovedCollectables) {
  MetricsHandler handler;
  const auto removed = GaugeOf("removed", 1);
  const auto kept = GaugeOf("kept", 1);
  handler.Add(removed);
  handler.Add(kept);
  handler.Remove(removed);
  EXPECT_EQ(PageOf(handler), "# TYPE kept gauge\nkept 1\n");
}

TEST(MetricsHandler, RemovesDestroyedCollectables) {
  MetricsHandler handler;
  auto gone = GaugeOf("gone", 1);
  const auto kept = GaugeOf("kept", 1);
  const std::weak_ptr<prometheus::Collectable> remembered = gone;
  handler.Add(gone);
  handler.Add(kept);
  gone.reset();
  handler.Remove(remembered);
  EXPECT_EQ(PageOf(handler), "# TYPE kept gauge\nkept 1\n");
}

TEST(MetricsHandler, AllowsACollectableToRegisterAnother) {
  MetricsHandler handler;
  const auto late = GaugeOf("late", 1);
  const auto registering = Collecting([&] {
    handler.Add(late);
    return FakeCollectable::Families{};
  });
  handler.Add(registering);
  EXPECT_EQ(PageOf(handler), "");
  EXPECT_EQ(PageOf(handler), "# TYPE late gauge\nlate 1\n");
}

TEST(MetricsHandler, ThrowsTheExceptionOfACollectable) {
  MetricsHandler handler;
  const auto good = GaugeOf("good", 1);
  const auto bad = Collecting([]() -> FakeCollectable::Families {
    throw std::runtime_error("no luck");
  });
  handler.Add(good);
  handler.Add(bad);
  EXPECT_THAT([&] { handler.Respond({}); },
              ThrowsMessage<std::runtime_error>("no luck"));
}

}  // namespace
}  // namespace jemalloc_exporter

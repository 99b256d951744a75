#include "exporter/exposition/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

std::string Number(double value) {
  std::string out;
  AppendNumber(out, value);
  return out;
}

std::string Bound(Format format, double bound) {
  std::string out;
  AppendBound(out, format, bound);
  return out;
}

std::string Timestamp(Format format, std::int64_t milliseconds) {
  std::string out;
  AppendTimestamp(out, format, milliseconds);
  return out;
}

TEST(Number, IsAppended) {
  std::string out = "x ";
  AppendNumber(out, 1.5);
  EXPECT_EQ(out, "x 1.5");
}

TEST(Number, ExactIntegersHaveNeitherPointNorExponent) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-1), "-1");
  EXPECT_EQ(Number(100'000), "100000");
  EXPECT_EQ(Number(4'194'304), "4194304");
  EXPECT_EQ(Number(1e15), "1000000000000000");
  EXPECT_EQ(Number(9'007'199'254'740'992), "9007199254740992");
  EXPECT_EQ(Number(-9'007'199'254'740'992), "-9007199254740992");
}

TEST(Number, IsTheShortestRepresentation) {
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Number(1e16), "1e+16");
  EXPECT_EQ(Number(1e-7), "1e-07");
  EXPECT_EQ(Number(5e-324), "5e-324");
  EXPECT_EQ(Number(-1.7976931348623157e308), "-1.7976931348623157e+308");
}

TEST(Number, KeepsTheSignOfZero) { EXPECT_EQ(Number(-0.0), "-0"); }

TEST(Number, FormatsInfinityAndNaN) {
  EXPECT_EQ(Number(kInfinity), "+Inf");
  EXPECT_EQ(Number(-kInfinity), "-Inf");
  EXPECT_EQ(Number(kNaN), "NaN");
  EXPECT_EQ(Number(-kNaN), "NaN");
}

TEST(Number, RoundTrips) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = Number(value);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(back, value) << text;
  }
}

TEST(Number, KeepsEveryDigitOfACount) {
  std::string out;
  AppendNumber(out, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(out, "18446744073709551615");
}

// The examples of the specification, "Canonical Numbers".
TEST(Bound, IsCanonicalInOpenMetrics) {
  for (const char* number :
       {"0.0",   "0.001",  "0.002",    "0.01",  "0.1",   "0.9",   "0.95",
        "0.99",  "0.999",  "1.0",      "1.7",   "10.0",  "1e-10", "1e-09",
        "1e-05", "0.0001", "100000.0", "1e+06", "1e+10", "+Inf"}) {
    EXPECT_EQ(Bound(Format::kOpenMetrics, std::stod(number)), number);
  }
}

TEST(Bound, MatchesGoFloatFormattingInOpenMetrics) {
  EXPECT_EQ(Bound(Format::kOpenMetrics, -1), "-1.0");
  EXPECT_EQ(Bound(Format::kOpenMetrics, 123'456), "123456.0");
  EXPECT_EQ(Bound(Format::kOpenMetrics, 1'048'576), "1.048576e+06");
  EXPECT_EQ(Bound(Format::kOpenMetrics, -kInfinity), "-Inf");
}

TEST(Bound, IsAPlainNumberInText) {
  EXPECT_EQ(Bound(Format::kText, 1), "1");
  EXPECT_EQ(Bound(Format::kText, 0.99), "0.99");
  EXPECT_EQ(Bound(Format::kText, 1'048'576), "1048576");
  EXPECT_EQ(Bound(Format::kText, kInfinity), "+Inf");
}

TEST(Bound, NormalizesNegativeZero) {
  EXPECT_EQ(Bound(Format::kOpenMetrics, -0.0), "0.0");
  EXPECT_EQ(Bound(Format::kText, -0.0), "0");
}

TEST(Timestamp, IsInSecondsInOpenMetrics) {
  EXPECT_EQ(Timestamp(Format::kOpenMetrics, 1'700'000'000'123),
            "1700000000.123");
  EXPECT_EQ(Timestamp(Format::kOpenMetrics, 1'700'000'000'000), "1700000000");
  EXPECT_EQ(Timestamp(Format::kOpenMetrics, 1), "0.001");
  EXPECT_EQ(Timestamp(Format::kOpenMetrics, -1'500), "-1.5");
}

TEST(Timestamp, IsInMillisecondsInText) {
  EXPECT_EQ(Timestamp(Format::kText, 1'700'000'000'123), "1700000000123");
  EXPECT_EQ(Timestamp(Format::kText, -1), "-1");
}

TEST(Timestamp, FormatsExtremeValues) {
  const auto last = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Timestamp(Format::kText, last), "9223372036854775807");
  EXPECT_EQ(Timestamp(Format::kOpenMetrics, last), "9223372036854776");
}

}  // namespace
}  // namespace jemalloc_exporter

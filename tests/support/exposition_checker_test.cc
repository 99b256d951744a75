#include "tests/support/exposition_checker.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "exporter/exposition/serializer.h"
#include "tests/support/sample_families.h"

namespace jemalloc_exporter {
namespace {

std::string ParseError(Format format, const std::string& text) {
  try {
    ParseExposition(format, text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

void ExpectAccepted(Format format, const std::string& text) {
  EXPECT_EQ(ParseError(format, text), "none") << text;
}

void ExpectRejected(Format format, const std::string& text) {
  EXPECT_NE(ParseError(format, text), "none") << text;
}

// Expositions of one family around the samples under test.
std::string OpenMetrics(const std::string& lines) { return lines + "# EOF\n"; }
std::string OfGauge(const std::string& samples) {
  return "# TYPE a gauge\n" + samples;
}
std::string OfHistogram(const std::string& samples) {
  return "# TYPE h histogram\n" + samples;
}
std::string OfSummary(const std::string& samples) {
  return "# TYPE s summary\n" + samples;
}

void ExpectRejectedInBoth(const std::string& lines) {
  ExpectRejected(Format::kText, lines);
  ExpectRejected(Format::kOpenMetrics, OpenMetrics(lines));
}

TEST(ExpositionChecker, AcceptsSerializerOutput) {
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    ExpectAccepted(format, SerializeExposition(format, {}));
    ExpectAccepted(format, SerializeExposition(format, SampleFamilies()));
  }
}

TEST(ExpositionChecker, ParsesNamesLabelsAndValues) {
  const auto families = ParseExposition(
      Format::kOpenMetrics,
      "# TYPE a_bytes gauge\n"
      "# UNIT a_bytes bytes\n"
      "# HELP a_bytes Its \\\"help\\\",\\non two lines: \\\\n\n"
      "a_bytes{x=\"\\\\ \\n \\\" é\",y=\"# {} 1\"} 1e+22 1700000000.125\n"
      "a_bytes NaN\n"
      "# EOF\n");
  ASSERT_EQ(families.size(), 1U);
  const ParsedFamily& family = families.front();
  EXPECT_EQ(family.name, "a_bytes");
  EXPECT_EQ(family.type, "gauge");
  EXPECT_EQ(family.unit, "bytes");
  EXPECT_EQ(family.help, "Its \"help\",\non two lines: \\n");
  ASSERT_EQ(family.samples.size(), 2U);
  const ParsedSample& sample = family.samples.front();
  EXPECT_EQ(sample.name, "a_bytes");
  EXPECT_EQ(sample.labels,
            (ParsedLabels{{"x", "\\ \n \" é"}, {"y", "# {} 1"}}));
  EXPECT_EQ(sample.value, "1e+22");
  EXPECT_EQ(sample.timestamp, "1700000000.125");
  EXPECT_EQ(family.samples.back().labels, ParsedLabels());
}

TEST(ExpositionChecker, ParsesQuotesInTextHelp) {
  const auto families =
      ParseExposition(Format::kText, "# HELP a \"b\"\n# TYPE a untyped\na 1\n");
  EXPECT_EQ(families.front().help, "\"b\"");
  ExpectRejected(Format::kText, "# HELP a \\\"\n# TYPE a untyped\na 1\n");
}

TEST(ExpositionChecker, RejectsMissingOrMalformedEof) {
  const std::string page = OfGauge("a 1\n");
  for (const std::string end :
       {"", "# EOF", "# EOF\n\n", "# EOF\n# EOF\n", "# EOF\na 2\n", "#EOF\n",
        "# EOF \n", "\n# EOF\n", "# EOF\r\n"}) {
    ExpectRejected(Format::kOpenMetrics, page + end);
  }
  ExpectRejected(Format::kText, page + "# EOF\n");
  ExpectRejected(Format::kText, OfGauge("a 1"));
  ExpectRejected(Format::kOpenMetrics, "");
}

TEST(ExpositionChecker, RejectsMalformedLines) {
  for (const std::string lines :
       {"\n", "a 1\n", "# a comment\n", "# TYPE a gauge\n",
        "# TYPE a gauge\n\na 1\n", "# TYPE a gauge\r\na 1\r\n",
        "# TYPE a gauge\n# \na 1\n", "#TYPE a gauge\na 1\n",
        "# TYPE  a gauge\na 1\n", "# TYPE a gauge \na 1\n",
        "# type a gauge\na 1\n", "# TYPE a\na 1\n",
        "# TYPE a gauge\n# HELP a \na 1\n", "# HELP a A.\na 1\n"}) {
    ExpectRejectedInBoth(lines);
  }
}

TEST(ExpositionChecker, RejectsMetadataOutOfOrder) {
  ExpectRejected(Format::kOpenMetrics,
                 OpenMetrics("# HELP a A.\n# TYPE a gauge\na 1\n"));
  ExpectRejected(Format::kText, "# TYPE a gauge\n# HELP a A.\na 1\n");
  ExpectRejectedInBoth("# TYPE a gauge\n# TYPE a gauge\na 1\n");
  ExpectRejectedInBoth("# TYPE a gauge\na 1\n# HELP a A.\n");
  ExpectRejectedInBoth("# TYPE a gauge\n# HELP b B.\na 1\n");
}

TEST(ExpositionChecker, RejectsSplitFamilies) {
  ExpectRejectedInBoth(OfGauge("a 1\n") + OfGauge("a{x=\"1\"} 1\n"));
  ExpectRejectedInBoth(OfGauge("a 1\n") + "# TYPE b gauge\nb 1\na 2\n");
}

TEST(ExpositionChecker, RejectsTheTypesOfTheOtherFormat) {
  ExpectAccepted(Format::kText, "# TYPE a untyped\na 1\n");
  ExpectAccepted(Format::kOpenMetrics, OpenMetrics("# TYPE a unknown\na 1\n"));
  ExpectRejected(Format::kText, "# TYPE a unknown\na 1\n");
  ExpectRejected(Format::kText, "# TYPE a_info info\na_info 1\n");
  ExpectRejected(Format::kOpenMetrics, OpenMetrics("# TYPE a untyped\na 1\n"));
  ExpectRejectedInBoth("# TYPE a Gauge\na 1\n");
}

TEST(ExpositionChecker, RejectsCounterNameOfTheOtherFormat) {
  const std::string text = "# TYPE a_total counter\na_total 1\n";
  const std::string open_metrics = "# TYPE a counter\na_total 1\n";
  ExpectAccepted(Format::kText, text);
  ExpectAccepted(Format::kOpenMetrics, OpenMetrics(open_metrics));
  ExpectRejected(Format::kText, open_metrics);
  ExpectRejected(Format::kOpenMetrics, OpenMetrics(text));
  ExpectRejected(Format::kOpenMetrics, OpenMetrics("# TYPE a counter\na 1\n"));
}

TEST(ExpositionChecker, RejectsNegativeOrNaNCountersInOpenMetrics) {
  for (const std::string value : {"-1", "NaN", "-Inf"}) {
    ExpectAccepted(Format::kText, "# TYPE a counter\na " + value + "\n");
    ExpectRejected(Format::kOpenMetrics,
                   OpenMetrics("# TYPE a counter\na_total " + value + "\n"));
  }
}

TEST(ExpositionChecker, RejectsFamiliesWithSharedSampleNames) {
  const std::string summary = OfSummary("s_sum 1\ns_count 1\n");
  ExpectRejectedInBoth(summary + "# TYPE s_count gauge\ns_count 2\n");
  ExpectRejectedInBoth("# TYPE s_sum gauge\ns_sum 2\n" + summary);
  ExpectRejectedInBoth(OfHistogram("h_bucket{le=\"+Inf\"} 1\n") +
                       "# TYPE h_bucket untyped\nh_bucket 1\n");
  ExpectRejected(Format::kOpenMetrics,
                 OpenMetrics("# TYPE a gauge\na 1\n"
                             "# TYPE a counter\na_total 1\n"));
  ExpectRejected(Format::kOpenMetrics,
                 OpenMetrics("# TYPE a_total unknown\na_total 1\n"
                             "# TYPE a counter\na_total{x=\"1\"} 1\n"));
  ExpectRejected(Format::kOpenMetrics,
                 OpenMetrics("# TYPE a counter\na_total 1\n"
                             "# TYPE a_created gauge\na_created 1\n"));
}

TEST(ExpositionChecker, RejectsUnitThatIsNotANameSuffix) {
  const auto page = [](const std::string& name, const std::string& unit) {
    return OpenMetrics("# TYPE " + name + " gauge\n# UNIT " + name + " " +
                       unit + "\n" + name + " 1\n");
  };
  ExpectAccepted(Format::kOpenMetrics, page("a_bytes", "bytes"));
  ExpectRejected(Format::kOpenMetrics, page("a_bytes", "seconds"));
  ExpectRejected(Format::kOpenMetrics, page("abytes", "bytes"));
  ExpectRejected(Format::kOpenMetrics, page("bytes", "bytes"));
  ExpectRejected(Format::kText,
                 "# TYPE a_bytes gauge\n# UNIT a_bytes bytes\na_bytes 1\n");
}

TEST(ExpositionChecker, RejectsIllegalNames) {
  for (const std::string name : {"", "0", "a-b", "__a", "é", "a.b", "{"}) {
    ExpectRejectedInBoth("# TYPE " + name + " gauge\n" + name + " 1\n");
  }
  for (const std::string name : {"", "0", "a-b", "__a", "é", "a:b", " x"}) {
    ExpectRejectedInBoth(OfGauge("a{" + name + "=\"1\"} 1\n"));
  }
}

TEST(ExpositionChecker, RejectsMalformedLabels) {
  for (const std::string labels : {"{}",
                                   "{x=\"1\",}",
                                   "{x=\"\"}",
                                   "{x=\"1\"",
                                   "{x=1}",
                                   "{x=\"1\", y=\"2\"}",
                                   "{x =\"1\"}",
                                   "{x='1'}",
                                   "{y=\"1\",x=\"2\"}",
                                   "{x=\"1\",x=\"2\"}",
                                   "{x=\"\n\"}",
                                   "{x=\"\"\"}",
                                   "{x=\"\\\"}",
                                   "{x=\"\\t\"}",
                                   "{x=\"\\'\"}",
                                   " {x=\"1\"}",
                                   "{x=\"\xFF\"}",
                                   "{x=\"\xED\xA0\x80\"}",
                                   "{x=\"\xC0\x80\"}",
                                   "{x=\"\xF4\x90\x80\x80\"}"}) {
    ExpectRejectedInBoth(OfGauge("a" + labels + " 1\n"));
  }
}

TEST(ExpositionChecker, RejectsDuplicateSeries) {
  ExpectRejectedInBoth(OfGauge("a 1\na 1\n"));
  ExpectRejectedInBoth(OfGauge("a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 2\n"));
  ExpectRejectedInBoth(
      OfSummary("s_sum{x=\"1\"} 1\ns_count{x=\"1\"} 1\n"
                "s_sum{x=\"2\"} 1\ns_count{x=\"2\"} 1\n"
                "s{x=\"1\",quantile=\"0.5\"} 1\n"));
}

TEST(ExpositionChecker, AcceptsNumbersInTheirShortestForm) {
  for (const std::string number :
       {"0", "-0", "1", "-1", "0.1", "1e+22", "5e-324",
        "1.7976931348623157e+308", "9007199254740992", "18446744073709551615",
        "+Inf", "-Inf", "NaN"}) {
    ExpectAccepted(Format::kText, OfGauge("a " + number + "\n"));
    ExpectAccepted(Format::kOpenMetrics,
                   OpenMetrics(OfGauge("a " + number + "\n")));
  }
}

TEST(ExpositionChecker, RejectsMalformedNumbers) {
  for (const std::string number : {"",
                                   "-",
                                   "+1",
                                   "01",
                                   "1.",
                                   ".5",
                                   "1.0",
                                   "0.50",
                                   "1e5",
                                   "1e+5",
                                   "1E+22",
                                   "1e",
                                   "1e+",
                                   "0x1",
                                   "1,5",
                                   "1_0",
                                   "Inf",
                                   "inf",
                                   "nan",
                                   "Nan",
                                   "-NaN",
                                   "+NaN",
                                   "1e+999",
                                   "0.1000000000000000055",
                                   "1 ",
                                   " 1",
                                   "1\t",
                                   "1 1 1",
                                   "1 # {x=\"1\"} 1",
                                   "--1"}) {
    ExpectRejectedInBoth(OfGauge("a " + number + "\n"));
  }
}

TEST(ExpositionChecker, RejectsTimestampsOfTheOtherFormat) {
  ExpectAccepted(Format::kText, OfGauge("a 1 1700000000125\n"));
  ExpectAccepted(Format::kOpenMetrics,
                 OpenMetrics(OfGauge("a 1 1700000000.125\n")));
  ExpectRejected(Format::kText, OfGauge("a 1 1700000000.125\n"));
  for (const std::string timestamp : {"", "NaN", "+Inf", "1e+22", "1 2"}) {
    ExpectRejectedInBoth(OfGauge("a 1 " + timestamp + "\n"));
  }
  ExpectRejectedInBoth(OfSummary("s_sum 1 1\ns_count 1 2\n"));
}

TEST(ExpositionChecker, AcceptsDistributions) {
  ExpectAccepted(Format::kText, OfHistogram("h_bucket{x=\"1\",le=\"-1\"} 1\n"
                                            "h_bucket{x=\"1\",le=\"+Inf\"} 1\n"
                                            "h_sum{x=\"1\"} -2\n"
                                            "h_count{x=\"1\"} 1\n"));
  ExpectAccepted(Format::kOpenMetrics,
                 OpenMetrics(OfHistogram("h_bucket{le=\"-1.0\"} 1\n"
                                         "h_bucket{le=\"1e+06\"} 1\n"
                                         "h_bucket{le=\"+Inf\"} 2\n")));
  ExpectAccepted(Format::kOpenMetrics,
                 OpenMetrics(OfSummary("s{quantile=\"0.0\"} NaN\n"
                                       "s{quantile=\"0.5\"} 1\n"
                                       "s_sum 1\n"
                                       "s_count 2\n")));
}

TEST(ExpositionChecker, RejectsMalformedHistograms) {
  const std::string infinity = "h_bucket{le=\"+Inf\"} 3\n";
  const std::string rest = "h_sum 1\nh_count 3\n";
  ExpectAccepted(Format::kText, OfHistogram(infinity + rest));
  for (const std::string& samples : std::vector<std::string>{
           rest, infinity + "h_sum 1\n", infinity + "h_count 3\n",
           rest + infinity, infinity + "h_count 3\nh_sum 1\n",
           infinity + "h_sum 1\nh_count 2\n", infinity + rest + infinity,
           "h_bucket{le=\"+Inf\"} 1.5\n", "h_bucket{le=\"+Inf\"} -1\n",
           "h_bucket{le=\"0.5\"} 4\n" + infinity,
           "h_bucket{le=\"0.7\"} 1\nh_bucket{le=\"0.5\"} 1\n" + infinity,
           "h_bucket{le=\"0.5\"} 1\nh_bucket{le=\"0.5\"} 1\n" + infinity,
           "h_bucket{le=\"0.5\"} 1\n" + rest,
           "h_bucket{le=\"NaN\"} 1\n" + infinity,
           "h_bucket{le=\"x\"} 1\n" + infinity, "h{le=\"0.5\"} 1\n" + infinity,
           "h_bucket 1\n" + infinity, infinity + "h_created 1\n",
           "h_bucket{le=\"+Inf\",x=\"1\"} 3\n"}) {
    ExpectRejectedInBoth(OfHistogram(samples));
  }
  ExpectRejected(Format::kText,
                 OfHistogram("h_bucket{le=\"1.0\"} 1\n" + infinity));
  for (const std::string& samples :
       std::vector<std::string>{"h_bucket{le=\"1\"} 1\n" + infinity,
                                "h_bucket{le=\"-0.0\"} 1\n" + infinity,
                                "h_bucket{le=\"-1.0\"} 1\n" + infinity + rest,
                                infinity + "h_sum NaN\nh_count 3\n"}) {
    ExpectRejected(Format::kOpenMetrics, OpenMetrics(OfHistogram(samples)));
  }
}

TEST(ExpositionChecker, RejectsMalformedSummaries) {
  const std::string rest = "s_sum 1\ns_count 3\n";
  for (const std::string& samples : std::vector<std::string>{
           "s_sum 1\n", "s{quantile=\"1.5\"} 1\n" + rest,
           "s{quantile=\"-0.5\"} 1\n" + rest, "s 1\n" + rest,
           "s{quantile=\"0.5\"} 1\ns{quantile=\"0.1\"} 1\n" + rest,
           "s_sum{quantile=\"0.5\"} 1\n" + rest,
           rest + "s{quantile=\"0.5\"} 1\n", "s_sum 1\ns_count 1.5\n"}) {
    ExpectRejectedInBoth(OfSummary(samples));
  }
  ExpectRejected(Format::kText, OfSummary("s{quantile=\"1.0\"} 1\n" + rest));
  for (const std::string& samples : std::vector<std::string>{
           "s{quantile=\"1\"} 1\n" + rest, "s{quantile=\"0.5\"} -1\n" + rest,
           "s_sum -1\ns_count 3\n"}) {
    ExpectRejected(Format::kOpenMetrics, OpenMetrics(OfSummary(samples)));
  }
}

}  // namespace
}  // namespace jemalloc_exporter

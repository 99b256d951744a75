// Validates expositions with independent parsers: prometheus_client's
// OpenMetrics parser, promtool and the text and OpenMetrics parsers of
// Prometheus.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "jemalloc_exporter/exposition.h"
#include "jemalloc_exporter/heap_collectable.h"
#include "jemalloc_exporter/heap_listener.h"
#include "tests/support/fake_jemalloc.h"
#include "tests/support/sample_families.h"

namespace jemalloc_exporter {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
namespace fs = std::filesystem;

// A temporary directory, removed on destruction.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string path = testing::TempDir() + "exposition_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string Write(const std::string& name, const std::string& text) const {
    const fs::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct CommandResult {
  int status;
  std::string output;
};

CommandResult RunCommand(const std::string& command) {
  std::FILE* const pipe = popen(("exec 2>&1; " + command).c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start a shell"};
  std::string output;
  std::array<char, 4096> buffer;
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

void ExpectAccepted(const std::string& command, const std::string& package) {
  const CommandResult result = RunCommand(command);
  constexpr int kNotFound = 127;
  ASSERT_NE(result.status, kNotFound)
      << "validator not found: install the Debian package " << package << "\n"
      << result.output;
  EXPECT_EQ(result.status, 0) << command << "\n" << result.output;
}

class OpenMetricsValidator : public testing::Test {
 protected:
  std::string WriteOpenMetrics(const std::string& name,
                               const Families& families) const {
    return directory_.Write(name + ".openmetrics",
                            OpenMetricsSerializer().Serialize(families));
  }
  std::string WriteText(const std::string& name,
                        const Families& families) const {
    return directory_.Write(name + ".text",
                            PrometheusTextSerializer().Serialize(families));
  }
  std::string path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

void ExpectLegalOpenMetrics(const std::string& files) {
  ExpectAccepted(OPENMETRICS_VALIDATOR " " + files,
                 "python3-prometheus-client");
}

// Also requires that promtool reports no lint about names, types and HELP.
void ExpectLintFreeText(const std::string& file) {
  ExpectAccepted("promtool check metrics < " + file, "prometheus");
}

TEST_F(OpenMetricsValidator, AcceptsEveryMetricType) {
  ExpectLegalOpenMetrics(WriteOpenMetrics("sample", SampleFamilies()));
  ExpectLintFreeText(WriteText("sample", SampleFamilies()));
}

TEST_F(OpenMetricsValidator, AcceptsTheHeap) {
  const FakeJemalloc fake;
  const Families families = HeapCollectable({}, FakeMallctl).Collect();
  ASSERT_GT(families.size(), 20U);
  ExpectLegalOpenMetrics(WriteOpenMetrics("heap", families));
  ExpectLintFreeText(WriteText("heap", families));
}

TEST_F(OpenMetricsValidator, AcceptsListenerMetrics) {
  FakeJemalloc fake;
  const std::uint64_t bytes = 4096;
  fake.values["thread.allocatedp"] = reinterpret_cast<std::uintptr_t>(&bytes);
  fake.values["thread.deallocatedp"] = reinterpret_cast<std::uintptr_t>(&bytes);
  HeapListener listener(FakeMallctl);
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  listener.OnTestProgramStart(program);
  listener.OnTestStart(*program.current_test_info());
  listener.OnTestEnd(*program.current_test_info());
  const Families families = listener.Collect();
  ASSERT_EQ(families.size(), 21U);
  ExpectLegalOpenMetrics(WriteOpenMetrics("listener", families));
  ExpectLintFreeText(WriteText("listener", families));
}

TEST_F(OpenMetricsValidator, AcceptsAnEmptyExposition) {
  ExpectLegalOpenMetrics(WriteOpenMetrics("empty", {}));
  ExpectLintFreeText(WriteText("empty", {}));
}

// promtool reads OpenMetrics from files only if all samples have timestamps.
TEST_F(OpenMetricsValidator, AcceptsTimestamps) {
  Families families = SampleFamilies();
  for (prometheus::MetricFamily& family : families) {
    for (auto& metric : family.metric) metric.timestamp_ms = 1'700'000'000'125;
  }
  const std::string file = WriteOpenMetrics("timestamps", families);
  ExpectLegalOpenMetrics(file);
  ExpectAccepted(
      "promtool tsdb create-blocks-from openmetrics " + file + " " + path(),
      "prometheus");
  ExpectLintFreeText(WriteText("timestamps", families));
}

// Generates invalid families, reproducible by seed.
class HostileFamilies {
 public:
  explicit HostileFamilies(unsigned seed) : random_(seed) {}

  Families Generate() {
    Families families(Below(40));
    for (prometheus::MetricFamily& family : families) {
      family.name = OneOf(kNames);
      family.help = OneOf(kTexts);
      family.type = OneOf(kTypes);
      family.metric.resize(Below(4));
      for (auto& metric : family.metric) metric = MakeMetric();
    }
    return families;
  }

 private:
  static constexpr const char* kNames[] = {"a",
                                           "a_total",
                                           "a_created",
                                           "a_created_total",
                                           "a_count",
                                           "a_sum",
                                           "a_bucket",
                                           "a_count_total",
                                           "a_total_total",
                                           "a_bytes",
                                           "a_bytes_total",
                                           "a_info",
                                           "_total",
                                           ":",
                                           "b",
                                           "b_count",
                                           "b_total",
                                           "c_seconds",
                                           "0",
                                           "",
                                           "a b",
                                           "a\n",
                                           "é",
                                           "__a",
                                           "a{x=\"1\"}",
                                           "# EOF",
                                           "NaN"};
  static constexpr const char* kLabels[] = {
      "x", "y", "z", "le", "quantile", "0", "", "x\"", "__name__", "a", "é"};
  static constexpr const char* kTexts[] = {
      "",        "1",        "x y",  "\n# EOF\n", "\"",  "\\", "\\n",
      "\xFF",    "\xE2\x86", "é",    "}",         "{",   ",",  "=\"",
      " # {} 1", " ",        "\r\n", "\t",        "+Inf"};
  static constexpr double kNumbers[] = {
      0,         -0.0,       0.1,
      0.5,       1,          2,
      1e6,       1e22,       18446744073709551616.0,
      5e-324,    -1,         -1e300,
      kInfinity, -kInfinity, kNaN};
  static constexpr prometheus::MetricType kTypes[] = {
      prometheus::MetricType::Counter, prometheus::MetricType::Gauge,
      prometheus::MetricType::Summary, prometheus::MetricType::Untyped,
      prometheus::MetricType::Histogram};

  unsigned Below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_);
  }
  template <typename T, std::size_t size>
  T OneOf(const T (&choices)[size]) {
    return choices[Below(size)];
  }

  prometheus::ClientMetric MakeMetric() {
    prometheus::ClientMetric metric = Value(OneOf(kNumbers));
    metric.label.resize(Below(4));
    for (auto& label : metric.label) label = {OneOf(kLabels), OneOf(kTexts)};
    metric.histogram = {Below(3), OneOf(kNumbers), {}};
    metric.histogram.bucket.resize(Below(4));
    for (auto& bucket : metric.histogram.bucket) {
      bucket = {Below(3), OneOf(kNumbers)};
    }
    metric.summary = {Below(3), OneOf(kNumbers), {}};
    metric.summary.quantile.resize(Below(4));
    for (auto& quantile : metric.summary.quantile) {
      quantile = {OneOf(kNumbers), OneOf(kNumbers)};
    }
    // Prometheus rejects timestamps far from the present.
    metric.timestamp_ms = 1'700'000'000'000 + Below(3);
    return metric;
  }

  std::mt19937 random_;
};

TEST_F(OpenMetricsValidator, AcceptsHostileFamiliesInOpenMetrics) {
  std::string files;
  for (unsigned seed = 0; seed < 500; ++seed) {
    files += " " + WriteOpenMetrics(std::to_string(seed),
                                    HostileFamilies(seed).Generate());
  }
  ExpectLegalOpenMetrics(files);
}

TEST_F(OpenMetricsValidator, AcceptsHostileFamiliesInPrometheus) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const Families families = HostileFamilies(seed).Generate();
    const std::string name = std::to_string(seed);
    ExpectAccepted("promtool tsdb create-blocks-from openmetrics " +
                       WriteOpenMetrics(name, families) + " " + path(),
                   "prometheus");
    // Status 3: valid, with lint about names.
    ExpectAccepted("promtool check metrics < " + WriteText(name, families) +
                       "; status=$?; test $status = 3 || exit $status",
                   "prometheus");
  }
}

// Each validator rejects at least one invalid input.
TEST_F(OpenMetricsValidator, RejectsIllegalExpositions) {
  EXPECT_NE(RunCommand(OPENMETRICS_VALIDATOR " " +
                       WriteText("text", {Gauges("a", {Value(1)})}))
                .status,
            0);
  EXPECT_NE(RunCommand("echo 'a{' | promtool check metrics").status, 0);
}

}  // namespace
}  // namespace jemalloc_exporter

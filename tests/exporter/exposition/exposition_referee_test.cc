// Pages as others judge them: prometheus_client's OpenMetrics parser, and
// Prometheus itself.

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
#include "tests/support/rich_families.h"

namespace jemalloc_exporter {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
namespace fs = std::filesystem;

// A folder of its own for each test, while it lives.
class Folder {
 public:
  Folder() {
    std::string path = testing::TempDir() + "exposition_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string Write(const std::string& name, const std::string& text) const {
    const fs::path file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct Verdict {
  int status;
  std::string words;
};

Verdict Ask(const std::string& command) {
  std::FILE* const pipe = popen(("exec 2>&1; " + command).c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start a shell"};
  std::string words;
  std::array<char, 4096> buffer;
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    words.append(buffer.data(), size);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, words};
}

void ExpectAccepted(const std::string& command, const std::string& package) {
  const Verdict verdict = Ask(command);
  constexpr int kNotFound = 127;
  ASSERT_NE(verdict.status, kNotFound)
      << "the referee is missing: install Debian's " << package << "\n"
      << verdict.words;
  EXPECT_EQ(verdict.status, 0) << command << "\n" << verdict.words;
}

// The pages of both formats, each by its own referee.
class Referee : public testing::Test {
 protected:
  std::string WriteOpenMetrics(const std::string& name,
                               const Families& families) const {
    return folder_.Write(name + ".openmetrics",
                         OpenMetricsSerializer().Serialize(families));
  }
  std::string WriteText(const std::string& name,
                        const Families& families) const {
    return folder_.Write(name + ".text",
                         PrometheusTextSerializer().Serialize(families));
  }
  std::string path() const { return folder_.path(); }

 private:
  Folder folder_;
};

void ExpectLegalOpenMetrics(const std::string& files) {
  ExpectAccepted(OPENMETRICS_REFEREE " " + files, "python3-prometheus-client");
}

// Also without a complaint of promtool's about names, types and HELP.
void ExpectGoodText(const std::string& file) {
  ExpectAccepted("promtool check metrics < " + file, "prometheus");
}

TEST_F(Referee, AcceptsTheRichPage) {
  ExpectLegalOpenMetrics(WriteOpenMetrics("rich", RichFamilies()));
  ExpectGoodText(WriteText("rich", RichFamilies()));
}

TEST_F(Referee, AcceptsTheHeap) {
  const FakeJemalloc fake;
  const Families families = HeapCollectable({}, FakeMallctl).Collect();
  ASSERT_EQ(families.size(), 5U);
  ExpectLegalOpenMetrics(WriteOpenMetrics("heap", families));
  ExpectGoodText(WriteText("heap", families));
}

TEST_F(Referee, AcceptsThePageOfAListener) {
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
  ASSERT_EQ(families.size(), 11U);
  ExpectLegalOpenMetrics(WriteOpenMetrics("listener", families));
  ExpectGoodText(WriteText("listener", families));
}

TEST_F(Referee, AcceptsAnEmptyPage) {
  ExpectLegalOpenMetrics(WriteOpenMetrics("empty", {}));
  ExpectGoodText(WriteText("empty", {}));
}

// Prometheus itself reads OpenMetrics from files where all is timestamped.
TEST_F(Referee, AcceptsTimestamps) {
  Families families = RichFamilies();
  for (prometheus::MetricFamily& family : families) {
    for (auto& metric : family.metric) metric.timestamp_ms = 1'700'000'000'125;
  }
  const std::string page = WriteOpenMetrics("timestamps", families);
  ExpectLegalOpenMetrics(page);
  ExpectAccepted(
      "promtool tsdb create-blocks-from openmetrics " + page + " " + path(),
      "prometheus");
  ExpectGoodText(WriteText("timestamps", families));
}

// Families as nobody should make them, another page for each seed.
class Hostile {
 public:
  explicit Hostile(unsigned seed) : random_(seed) {}

  Families MakeFamilies() {
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
    // Around now: Prometheus reads what it stores, and stores no antiquity.
    metric.timestamp_ms = 1'700'000'000'000 + Below(3);
    return metric;
  }

  std::mt19937 random_;
};

TEST_F(Referee, AcceptsHostileFamiliesInOpenMetrics) {
  std::string pages;
  for (unsigned seed = 0; seed < 500; ++seed) {
    pages += " " + WriteOpenMetrics(std::to_string(seed),
                                    Hostile(seed).MakeFamilies());
  }
  ExpectLegalOpenMetrics(pages);
}

TEST_F(Referee, AcceptsHostileFamiliesInPrometheus) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const Families families = Hostile(seed).MakeFamilies();
    const std::string name = std::to_string(seed);
    ExpectAccepted("promtool tsdb create-blocks-from openmetrics " +
                       WriteOpenMetrics(name, families) + " " + path(),
                   "prometheus");
    // Status 3: it can be read, though promtool has a better taste in names.
    ExpectAccepted("promtool check metrics < " + WriteText(name, families) +
                       "; status=$?; test $status = 3 || exit $status",
                   "prometheus");
  }
}

// The referees themselves: each has to object to something.
TEST_F(Referee, RejectsWhatIsNotLegal) {
  EXPECT_NE(Ask(OPENMETRICS_REFEREE " " +
                WriteText("text", {Gauges("a", {Value(1)})}))
                .status,
            0);
  EXPECT_NE(Ask("echo 'a{' | promtool check metrics").status, 0);
}

}  // namespace
}  // namespace jemalloc_exporter

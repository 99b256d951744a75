#include "jemalloc_exporter/heap_listener.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "collector/gtest/test_environment.h"
#include "collector/gtest/test_metrics.h"
#include "collector/gtest/test_snapshot.h"
#include "collector/prometheus/heap_families.h"
#include "collector/report/atomic_file.h"
#include "collector/report/entry_store.h"
#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

std::string FullName(const testing::TestInfo& test) {
  return SanitizeUtf8(std::string(test.test_suite_name()) + "." + test.name());
}

std::string Result(const testing::TestResult& result) {
  if (result.Failed()) return "failed";
  return result.Skipped() ? "skipped" : "passed";
}

void RecordProperties(const HeapReportEntry& test) {
  for (const HeapReportField& field : kHeapReportFields) {
    if (const auto& value = test.*field.value) {
      testing::Test::RecordProperty(std::string(field.metric),
                                    std::to_string(*value));
    }
  }
}

prometheus::MetricFamily TestsEvicted(std::uint64_t count) {
  prometheus::ClientMetric metric;
  metric.counter.value = static_cast<double>(count);
  return {"jemalloc_tests_evicted_total",
          "Number of test results evicted to bound memory",
          prometheus::MetricType::Counter,
          {metric}};
}

// After the end of the program, only labels distinguish its series from those
// of others.
std::string Textfile(std::vector<prometheus::MetricFamily> families) {
  const prometheus::Labels labels = TestProcessLabels();
  for (auto& family : families) {
    for (auto& metric : family.metric) {
      for (const auto& [name, value] : labels) {
        metric.label.push_back({name, value});
      }
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

void WriteOrPrintError(const std::string& path, const std::string& text) {
  const std::string error = WriteFileAtomically(path, text);
  if (!error.empty()) PrintListenerError("cannot write " + path + ": " + error);
}

// Owned by GoogleTest, which takes plain pointers; shares the listener.
class ListenerAdapter final : public testing::EmptyTestEventListener {
 public:
  explicit ListenerAdapter(std::shared_ptr<HeapListener> listener)
      : listener_(std::move(listener)) {}

  void OnTestProgramStart(const testing::UnitTest& unit_test) override {
    listener_->OnTestProgramStart(unit_test);
  }
  void OnTestStart(const testing::TestInfo& test_info) override {
    listener_->OnTestStart(test_info);
  }
  void OnTestEnd(const testing::TestInfo& test_info) override {
    listener_->OnTestEnd(test_info);
  }
  void OnTestIterationEnd(const testing::UnitTest& unit_test,
                          int iteration) override {
    listener_->OnTestIterationEnd(unit_test, iteration);
  }
  void OnTestProgramEnd(const testing::UnitTest& unit_test) override {
    listener_->OnTestProgramEnd(unit_test);
  }

 private:
  const std::shared_ptr<HeapListener> listener_;
};

}  // namespace

struct HeapListener::State {
  explicit State(Mallctl* mallctl) : mallctl(mallctl) {}

  bool InForkedChild() const { return getpid() != pid; }
  HeapReport Report();
  void WriteCheckpointIfDue();

  Mallctl* const mallctl;

  // Used by the thread that runs the tests only.
  pid_t pid = 0;
  TestSnapshot before_run;
  TestSnapshot before_test;
  bool failed = false;
  std::string report_path;
  Clock::time_point next_checkpoint;

  std::mutex mutex;
  HeapReportEntry run;
  EntryStore<std::string> tests{kMaxTests};
};

HeapReport HeapListener::State::Report() {
  const std::lock_guard lock(mutex);
  HeapReport report{run, {}, tests.evicted()};
  tests.ForEach([&](const std::string&, const HeapReportEntry& test) {
    report.entries.push_back(test);
  });
  return report;
}

// For a run that is killed. Takes at most 1 % of the run's time, independent of
// the number of tests.
void HeapListener::State::WriteCheckpointIfDue() {
  const auto start = Clock::now();
  if (report_path.empty() || start < next_checkpoint) return;
  WriteCheckpoint(report_path, ToJson(Report()));
  const auto end = Clock::now();
  next_checkpoint = end + 100 * (end - start);
}

std::shared_ptr<HeapListener> HeapListener::Install(Mallctl* mallctl) {
  auto listener = std::make_shared<HeapListener>(mallctl);
  testing::UnitTest::GetInstance()->listeners().Append(
      new ListenerAdapter(listener));
  return listener;
}

HeapListener::HeapListener(Mallctl* mallctl)
    : state_(std::make_unique<State>(mallctl)) {}

HeapListener::~HeapListener() = default;

std::vector<prometheus::MetricFamily> HeapListener::Collect() const try {
  const HeapSnapshot heap = ReadHeap(state_->mallctl);
  // What jemalloc does in the background does not describe a test.
  auto families =
      HeapFamilies({{heap.visible_state(), heap.visible_statistics(), {}, {}}},
                   {.activity = false, .options = false});
  const HeapReport so_far = report();
  for (auto& family : TestMetrics(so_far.entries)) {
    families.push_back(std::move(family));
  }
  families.push_back(TestsEvicted(so_far.entries_evicted));
  return families;
} catch (const std::exception&) {
  return {};
}

HeapReport HeapListener::report() const { return state_->Report(); }

void HeapListener::OnTestProgramStart(const testing::UnitTest&) {
  State& state = *state_;
  state.pid = getpid();
  state.report_path = ReportPath();
  state.before_run = SnapshotBeforeTest(state.mallctl);
  const std::lock_guard lock(state.mutex);
  state.run.name = ProgramName();
  state.run.result = kRunning;
  state.run.before = state.before_run.heap.visible_state();
}

void HeapListener::OnTestStart(const testing::TestInfo& test_info) {
  State& state = *state_;
  if (state.InForkedChild()) return;
  {
    HeapReportEntry test;
    test.name = FullName(test_info);
    test.result = kRunning;
    const std::lock_guard lock(state.mutex);
    state.tests.Put(test.name, test);
  }
  state.WriteCheckpointIfDue();
  state.before_test = SnapshotBeforeTest(state.mallctl);
}

void HeapListener::OnTestEnd(const testing::TestInfo& test_info) {
  State& state = *state_;
  const TestSnapshot after = SnapshotAfterTest(state.mallctl);
  if (state.InForkedChild()) return;
  HeapReportEntry test = DiffSnapshots(state.before_test, after);
  test.name = FullName(test_info);
  test.result = Result(*test_info.result());
  RecordProperties(test);
  const std::lock_guard lock(state.mutex);
  state.tests.Put(test.name, test);
  state.tests.MarkEnded(test.name);
  state.tests.EvictExcess();
}

void HeapListener::OnTestIterationEnd(const testing::UnitTest& unit_test, int) {
  if (unit_test.Failed()) state_->failed = true;
}

void HeapListener::OnTestProgramEnd(const testing::UnitTest&) {
  State& state = *state_;
  const TestSnapshot after = SnapshotAfterTest(state.mallctl);
  if (state.InForkedChild()) return;
  HeapReportEntry run = DiffSnapshots(state.before_run, after);
  run.name = ProgramName();
  run.result = state.failed ? "failed" : "passed";
  {
    const std::lock_guard lock(state.mutex);
    state.run = std::move(run);
  }
  if (!state.report_path.empty()) {
    WriteOrPrintError(state.report_path, ToJson(report()));
  }
  if (const std::string path = TextfilePath(); !path.empty()) {
    WriteOrPrintError(path, Textfile(Collect()));
  }
}

}  // namespace jemalloc_exporter

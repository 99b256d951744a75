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

#include "collector/gtest/test_families.h"
#include "collector/gtest/test_process.h"
#include "collector/gtest/test_reading.h"
#include "collector/gtest/test_records.h"
#include "collector/prometheus/heap_families.h"
#include "collector/report/atomic_file.h"
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

void RecordProperties(const HeapRecord& test) {
  for (const HeapRecordField& field : kHeapRecordFields) {
    if (const auto& value = test.*field.value) {
      testing::Test::RecordProperty(std::string(field.metric),
                                    std::to_string(*value));
    }
  }
}

prometheus::MetricFamily TestsForgotten(std::uint64_t count) {
  prometheus::ClientMetric metric;
  metric.counter.value = static_cast<double>(count);
  return {"jemalloc_tests_forgotten_total",
          "How often a test was forgotten, to bound memory",
          prometheus::MetricType::Counter,
          {metric}};
}

// Once the program has ended, nothing but its labels tells its series from
// another's.
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

void WriteOrComplain(const std::string& path, const std::string& text) {
  const std::string error = WriteFileAtomically(path, text);
  if (!error.empty()) Complain("cannot write " + path + ": " + error);
}

// What GoogleTest owns of a listener that others may hold, too.
class Share final : public testing::EmptyTestEventListener {
 public:
  explicit Share(std::shared_ptr<HeapListener> listener)
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
  HeapSidecar Sidecar();
  void WriteInterimSidecar();

  Mallctl* const mallctl;

  // For the thread that runs the tests alone.
  pid_t pid = 0;
  TestReading before_run;
  TestReading before_test;
  bool failed = false;
  std::string sidecar_path;
  Clock::time_point next_interim;

  std::mutex mutex;
  HeapRecord run;
  TestRecords tests{kMaxTests};
};

HeapSidecar HeapListener::State::Sidecar() {
  const std::lock_guard lock(mutex);
  return {run, tests.SortedByName(), tests.forgotten()};
}

// For the case that the run is killed. Takes no more than a hundredth of the
// run's time, however many tests there are.
void HeapListener::State::WriteInterimSidecar() {
  const auto start = Clock::now();
  if (sidecar_path.empty() || start < next_interim) return;
  WriteCheckpoint(sidecar_path, ToJson(Sidecar()));
  const auto end = Clock::now();
  next_interim = end + 100 * (end - start);
}

std::shared_ptr<HeapListener> HeapListener::Install(Mallctl* mallctl) {
  auto listener = std::make_shared<HeapListener>(mallctl);
  testing::UnitTest::GetInstance()->listeners().Append(new Share(listener));
  return listener;
}

HeapListener::HeapListener(Mallctl* mallctl)
    : state_(std::make_unique<State>(mallctl)) {}

HeapListener::~HeapListener() = default;

std::vector<prometheus::MetricFamily> HeapListener::Collect() const try {
  auto families = HeapFamilies({{ReadHeap(state_->mallctl).published(), {}}});
  const HeapSidecar so_far = sidecar();
  for (auto& family : TestFamilies(so_far.tests)) {
    families.push_back(std::move(family));
  }
  families.push_back(TestsForgotten(so_far.tests_forgotten));
  return families;
} catch (const std::exception&) {
  return {};
}

HeapSidecar HeapListener::sidecar() const { return state_->Sidecar(); }

void HeapListener::OnTestProgramStart(const testing::UnitTest&) {
  State& state = *state_;
  state.pid = getpid();
  state.sidecar_path = SidecarPath();
  state.before_run = ReadBeforeTest(state.mallctl);
  const std::lock_guard lock(state.mutex);
  state.run.name = ProgramName();
  state.run.result = kRunning;
  state.run.before = state.before_run.heap.published();
}

void HeapListener::OnTestStart(const testing::TestInfo& test_info) {
  State& state = *state_;
  if (state.InForkedChild()) return;
  {
    const std::lock_guard lock(state.mutex);
    state.tests.Start(FullName(test_info));
  }
  state.WriteInterimSidecar();
  state.before_test = ReadBeforeTest(state.mallctl);
}

void HeapListener::OnTestEnd(const testing::TestInfo& test_info) {
  State& state = *state_;
  const TestReading after = ReadAfterTest(state.mallctl);
  if (state.InForkedChild()) return;
  HeapRecord test = RecordBetween(state.before_test, after);
  test.name = FullName(test_info);
  test.result = Result(*test_info.result());
  RecordProperties(test);
  const std::lock_guard lock(state.mutex);
  state.tests.End(std::move(test));
}

void HeapListener::OnTestIterationEnd(const testing::UnitTest& unit_test, int) {
  if (unit_test.Failed()) state_->failed = true;
}

void HeapListener::OnTestProgramEnd(const testing::UnitTest&) {
  State& state = *state_;
  const TestReading after = ReadAfterTest(state.mallctl);
  if (state.InForkedChild()) return;
  HeapRecord run = RecordBetween(state.before_run, after);
  run.name = ProgramName();
  run.result = state.failed ? "failed" : "passed";
  {
    const std::lock_guard lock(state.mutex);
    state.run = std::move(run);
  }
  if (!state.sidecar_path.empty()) {
    WriteOrComplain(state.sidecar_path, ToJson(sidecar()));
  }
  if (const std::string path = TextfilePath(); !path.empty()) {
    WriteOrComplain(path, Textfile(Collect()));
  }
}

}  // namespace jemalloc_exporter

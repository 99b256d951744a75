#include "exporter/attach/one_shot.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "collector/jemalloc/heap_snapshot.h"
#include "exporter/attach/attach_error.h"
#include "exporter/attach/borrow.h"
#include "exporter/attach/heap_symbols.h"
#include "exporter/attach/loaded_object.h"
#include "exporter/attach/real_time_priority.h"
#include "exporter/attach/remote_code.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/target_process.h"

namespace jemalloc_exporter {
namespace {

// The argument memory of a call: mallctl takes values of at most 8 bytes here.
struct CallData {
  std::uint64_t old_value;
  std::uint64_t old_size;
  std::uint64_t new_value;
  std::uint64_t new_size;
  char name[128];
};

// The calls that are made in turn: more are made one by one.
constexpr std::size_t kMaxInTurn =
    BorrowedThread::kDataBytes / sizeof(CallData);

// Absent if a value or the name is longer.
std::optional<CallData> MakeCallData(const char* name, const void* old_value,
                                     const std::size_t* old_size,
                                     const void* new_value,
                                     std::size_t new_size) {
  CallData data = {};
  const std::size_t name_size = std::strlen(name) + 1;
  if (old_value == nullptr || *old_size > sizeof(data.old_value) ||
      new_size > sizeof(data.new_value) || name_size > sizeof(data.name)) {
    return std::nullopt;
  }
  data.old_size = *old_size;
  data.new_size = new_size;
  if (new_value != nullptr) std::memcpy(&data.new_value, new_value, new_size);
  std::memcpy(data.name, name, name_size);
  return data;
}

BorrowedThread::Arguments ArgumentsAt(std::uint64_t at, const CallData& data) {
  return {at + offsetof(CallData, name),
          at + offsetof(CallData, old_value),
          at + offsetof(CallData, old_size),
          data.new_size > 0 ? at + offsetof(CallData, new_value) : 0,
          data.new_size,
          0};
}

// The calls of a snapshot, in the order of a heap where each succeeds.
class CallRecorder {
 public:
  static std::vector<CallData> Record() {
    calls.clear();
    TakeHeapSnapshot(Call, SnapshotScope::kState);
    return std::move(calls);
  }

 private:
  static int Call(const char* name, void* old_value, std::size_t* old_size,
                  void* new_value, std::size_t new_size) {
    const auto data =
        MakeCallData(name, old_value, old_size, new_value, new_size);
    if (!data || calls.size() == kMaxInTurn) return EINVAL;
    calls.push_back(*data);
    std::memset(old_value, 0, *old_size);
    return 0;
  }

  static thread_local std::vector<CallData> calls;
};

thread_local std::vector<CallData> CallRecorder::calls;

// The mallctl of another process, in the form of `Mallctl`.
class RemoteMallctl {
 public:
  RemoteMallctl(pid_t pid, BorrowedThread* thread, std::uint64_t function)
      : pid_(pid), thread_(thread), function_(function) {
    current = this;
  }
  RemoteMallctl(const RemoteMallctl&) = delete;
  RemoteMallctl& operator=(const RemoteMallctl&) = delete;
  ~RemoteMallctl() { current = nullptr; }

  static int Call(const char* name, void* old_value, std::size_t* old_size,
                  void* new_value, std::size_t new_size) {
    return current->CallRemote(name, old_value, old_size, new_value, new_size);
  }

  // Makes the calls without a stop between. `Call` then returns their results,
  // each once and in this order; a call that is not among them is made then.
  void CallInTurn(std::vector<CallData> calls) {
    if (!thread_->can_call_in_turn()) return;
    std::vector<BorrowedThread::Arguments> arguments;
    for (CallData& data : calls) {
      data.old_value = unread_;
      arguments.push_back(ArgumentsAt(
          thread_->data() + arguments.size() * sizeof(CallData), data));
    }
    const std::size_t bytes = calls.size() * sizeof(CallData);
    if (thread_->result() == CallResult::kReturned &&
        WriteMemory(pid_, thread_->data(), calls.data(), bytes) &&
        thread_->CallInTurn(function_, arguments) == CallResult::kReturned &&
        ReadMemory(pid_, thread_->data(), calls.data(), bytes) == bytes) {
      made_ = std::move(calls);
      next_ = made_.begin();
    }
  }

 private:
  int CallRemote(const char* name, void* old_value, std::size_t* old_size,
                 const void* new_value, std::size_t new_size) {
    auto data = MakeCallData(name, old_value, old_size, new_value, new_size);
    if (!data) return EINVAL;
    const auto made = std::find_if(next_, made_.end(), [&](const CallData& d) {
      return std::strcmp(d.name, name) == 0 && d.new_size == new_size;
    });
    if (made != made_.end()) {
      data = *made;
      next_ = made + 1;
    } else if (!MakeCall(&*data)) {
      return EFAULT;
    }
    if (data->old_value == unread_) return ENOENT;
    std::memcpy(old_value, &data->old_value, *old_size);
    *old_size = data->old_size;
    return 0;
  }

  bool MakeCall(CallData* data) {
    data->old_value = unread_;
    const std::uint64_t at = thread_->data();
    return thread_->result() == CallResult::kReturned &&
           WriteMemory(pid_, at, data, sizeof(*data)) &&
           thread_->Call(function_, ArgumentsAt(at, *data)) ==
               CallResult::kReturned &&
           ReadMemory(pid_, at, data, sizeof(*data)) == sizeof(*data);
  }

  // mallctl has no argument for the caller's data.
  static thread_local RemoteMallctl* current;

  pid_t pid_;
  BorrowedThread* thread_;
  std::uint64_t function_;
  // The result of the function is lost when it returns by rt_sigreturn(2). It
  // succeeded if it overwrote a random number.
  std::uint64_t unread_ = std::mt19937_64{std::random_device{}()}();
  std::vector<CallData> made_;
  std::vector<CallData>::iterator next_ = made_.begin();
};

thread_local RemoteMallctl* RemoteMallctl::current = nullptr;

// Of a function that is not jemalloc's, whatever its name is, empty.
std::string ReadVersion(pid_t pid) {
  constexpr std::size_t kMaxVersion = 64;
  std::uint64_t address = 0;
  std::size_t size = sizeof(address);
  if (RemoteMallctl::Call("version", &address, &size, nullptr, 0) != 0) {
    return {};
  }
  std::string version = ReadString(pid, address, kMaxVersion);
  const bool is_version =
      !version.empty() && version.front() >= '0' && version.front() <= '9';
  return is_version ? version : std::string();
}

// To search files takes 10 ms of a processor, for which threads of the program
// wait on a busy machine. Not where a real-time priority is denied: there the
// thread would be stopped longer.
void LowerPriority() {
  constexpr int kNice = 10;  // At least.
  if (!RealTimePriority().is_granted()) return;
  setpriority(PRIO_PROCESS, 0, std::max(getpriority(PRIO_PROCESS, 0), kNice));
}

}  // namespace

OneShotReading ReadHeapOnce(pid_t pid) {
  LowerPriority();
  const TargetProcess target = ExamineProcess(pid);
  const std::vector<LoadedObject> objects = OpenLoadedObjects(target);
  const std::vector<RemoteHeap> heaps = FindHeaps(objects);
  if (heaps.empty()) {
    throw AttachError(target.Describe(DescribeMissingHeap(target)));
  }
  const auto code = FindRemoteCode(objects);
  if (!code)
    throw AttachError(
        target.Describe("has no code by which signal handlers return"));
  const std::vector<CallData> calls = CallRecorder::Record();
  OneShotReading reading;
  const std::unique_ptr<BorrowedThread> thread = Borrow(target, *code);
  for (const RemoteHeap& heap : heaps) {
    RemoteMallctl mallctl(pid, thread.get(), heap.mallctl);
    const bool is_known = std::any_of(
        reading.heaps.begin(), reading.heaps.end(),
        [&](const OneShotHeap& other) { return other.prefix == heap.prefix; });
    if (is_known) continue;
    OneShotHeap& read = reading.heaps.emplace_back();
    read.prefix = heap.prefix;
    read.jemalloc_version = ReadVersion(pid);
    if (!read.jemalloc_version.empty()) {
      // Each call of mallctl prolongs the stop.
      mallctl.CallInTurn(calls);
      read.snapshot =
          TakeHeapSnapshot(RemoteMallctl::Call, SnapshotScope::kState);
    } else {
      reading.heaps.pop_back();
    }
  }
  thread->Release();
  RequireReturned(target, thread->result(), "mallctl");
  if (reading.heaps.empty()) {
    throw AttachError(target.Describe("no jemalloc in it"));
  }
  reading.comm = target.comm;
  reading.thread = thread->thread();
  reading.stopped_time = thread->stopped_time();
  reading.seccomp_was_suspended = thread->has_seccomp();
  return reading;
}

}  // namespace jemalloc_exporter

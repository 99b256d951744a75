#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_JEMALLOC_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_JEMALLOC_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "collector/jemalloc/mutex_names.h"
#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// A jemalloc with values set by the test and a record of the calls. One for
/// each test: `FakeMallctl` uses the latest.
///
/// The state is `HeapState::test_fixture`. Statistics are 1, 2 and so on in the
/// order of `kHeapStatistics`; each lock of arenas and of the process was
/// waited for 3 times, 0.5 s; 2 of 64 arenas are initialized.
struct FakeJemalloc {
  FakeJemalloc() {
    current = this;
    for (const HeapField& row : kHeapFields) {
      values[row.mallctl] = *(HeapState::test_fixture().*row.value);
    }
    std::uint64_t value = 0;
    for (const HeapStatistic& row : kHeapStatistics) {
      ++value;
      if (row.mallctl != nullptr) values.try_emplace(row.mallctl, value);
    }
    AddLocks("stats.arenas.4096.");
    for (const std::string_view mutex : kProcessMutexes) {
      AddLock("stats.mutexes." + std::string(mutex));
    }
    for (int arena = 0; arena < 64; ++arena) {
      values["arena." + std::to_string(arena) + ".initialized"] =
          arena < 2 ? 1 : 0;
    }
    for (const HeapOption& option : kHeapOptions) {
      if (option.type == MallctlType::kString) {
        SetText(option.mallctl, "default");
      } else {
        values[option.mallctl] = 1;
      }
    }
    SetText("version", "5.3.0-0-g54eaed1d");
  }
  ~FakeJemalloc() { current = nullptr; }
  FakeJemalloc(const FakeJemalloc&) = delete;
  FakeJemalloc& operator=(const FakeJemalloc&) = delete;

  /// `text` must outlive the object.
  void SetText(const std::string& name, const char* text) {
    values[name] = reinterpret_cast<std::uintptr_t>(text);
  }

  void AddLock(const std::string& lock) {
    values[lock + ".num_wait"] = 3;
    values[lock + ".total_wait_time"] = 500'000'000;
  }
  void AddLocks(const std::string& arenas) {
    for (const char* bin : {"0", "1"}) {
      AddLock(arenas + "bins." + bin + ".mutex");
    }
    for (const std::string_view mutex : kArenaMutexes) {
      AddLock(arenas + "mutexes." + std::string(mutex));
    }
  }

  /// Arenas were destroyed, with these values of each counter. Their locks as
  /// above.
  void DestroyArenas(std::uint64_t counter) {
    values["arena.4097.initialized"] = 1;
    for (const HeapStatistic& row : kHeapStatistics) {
      if (!IncludesDestroyedArenas(row)) continue;
      values[std::string(row.mallctl).replace(13, 4, "4097")] = counter;
    }
    AddLocks("stats.arenas.4097.");
  }

  /// The answers; a name that is missing is unknown (ENOENT), as are all
  /// `stats` in a build without statistics.
  std::map<std::string, std::uint64_t> values = {
      {"stats.arenas.4096.internal", 28'672},
      {"stats.arenas.4096.large.nmalloc", 1000},
      {"arenas.page", 4096},
      {"arenas.nbins", 2},
      {"config.cache_oblivious", 1},
      {"arena.4097.initialized", 0},
  };
  /// Names that fail with this error.
  std::map<std::string, int> errors;
  std::uint64_t epoch = 7;
  bool epoch_fails = false;
  /// Names whose type is half as wide as the one requested: EINVAL, with a
  /// partial write.
  std::string narrow;
  /// A name that succeeds but reports another size than the one requested.
  std::string missized;
  /// How many of the next reads of a field another thread's refresh follows.
  int foreign_refreshes = 0;

  /// Every call: the name, with " =" behind it where it wrote.
  std::vector<std::string> calls;

  inline static FakeJemalloc* current = nullptr;
};

/// Bytes of the type of a value.
inline std::size_t FakeMallctlSize(const std::string& name) {
  static const std::map<std::string, MallctlType> types = [] {
    std::map<std::string, MallctlType> found = {
        {"arenas.nbins", MallctlType::kUnsigned},
        {"arenas.nlextents", MallctlType::kUnsigned},
        {"arenas.bin.0.nregs", MallctlType::kUnsigned},
        {"arenas.bin.1.nregs", MallctlType::kUnsigned},
        {"stats.arenas.0.nthreads", MallctlType::kUnsigned},
        {"stats.arenas.1.nthreads", MallctlType::kUnsigned},
        {"config.cache_oblivious", MallctlType::kBool}};
    for (const HeapField& row : kHeapFields) found[row.mallctl] = row.type;
    for (const HeapOption& row : kHeapOptions) found[row.mallctl] = row.type;
    for (const HeapStatistic& row : kHeapStatistics) {
      if (row.mallctl != nullptr) found[row.mallctl] = row.type;
    }
    return found;
  }();
  constexpr std::string_view kInitialized = ".initialized";
  const auto found = types.find(name);
  if (found == types.end()) {
    return name.find(kInitialized) == name.npos ? sizeof(std::size_t)
                                                : sizeof(bool);
  }
  switch (found->second) {
    case MallctlType::kUnsigned:
      return sizeof(unsigned);
    case MallctlType::kBool:
      return sizeof(bool);
    default:
      return sizeof(std::uint64_t);
  }
}

inline int FakeMallctl(const char* name, void* oldp, std::size_t* oldlenp,
                       void* newp, std::size_t newlen) {
  FakeJemalloc& fake = *FakeJemalloc::current;
  const std::string key = name;
  fake.calls.push_back(newp == nullptr ? key : key + " =");
  // The first ends the process in builds without statistics, the second takes a
  // lock of the process.
  if (key.find("uptime") != key.npos || key == "background_thread") {
    std::abort();
  }

  if (key == "epoch") {
    if (fake.epoch_fails) return EAGAIN;
    if (newp != nullptr && newlen != sizeof(fake.epoch)) return EINVAL;
    if (newp != nullptr) ++fake.epoch;
    if (*oldlenp != sizeof(fake.epoch)) return EINVAL;
    std::memcpy(oldp, &fake.epoch, sizeof(fake.epoch));
    return 0;
  }
  if (newp != nullptr) return EPERM;
  if (fake.errors.contains(key)) return fake.errors.at(key);
  const auto found = fake.values.find(key);
  if (found == fake.values.end()) return ENOENT;

  std::size_t width = FakeMallctlSize(key);
  if (key == fake.narrow) width /= 2;
  if (*oldlenp != width) {
    std::memcpy(oldp, &found->second, width);
    *oldlenp = width;
    return EINVAL;
  }
  std::memcpy(oldp, &found->second, width);
  if (key == fake.missized) *oldlenp = width / 2;
  if (key == "stats.mapped" && fake.foreign_refreshes > 0) {
    --fake.foreign_refreshes;
    ++fake.epoch;
    ++fake.values["stats.allocated"];
  }
  return 0;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_JEMALLOC_H_

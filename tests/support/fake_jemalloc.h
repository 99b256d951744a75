#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_JEMALLOC_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_FAKE_JEMALLOC_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// A jemalloc with values set by the test and a record of the calls. One for
/// each test: `FakeMallctl` uses the latest.
struct FakeJemalloc {
  FakeJemalloc() { current = this; }
  ~FakeJemalloc() { current = nullptr; }
  FakeJemalloc(const FakeJemalloc&) = delete;
  FakeJemalloc& operator=(const FakeJemalloc&) = delete;

  /// The answers; a name that is missing is unknown (ENOENT), as are all
  /// `stats` in a build without statistics.
  std::map<std::string, std::uint64_t> values = {
      {"stats.allocated", 512 * 1024},
      {"stats.active", 1024 * 1024},
      {"stats.resident", 2 * 1024 * 1024},
      {"stats.mapped", 4 * 1024 * 1024},
      {"arenas.narenas", 64},
      {"stats.arenas.4096.internal", 28'672},
  };
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

inline int FakeMallctl(const char* name, void* oldp, std::size_t* oldlenp,
                       void* newp, std::size_t newlen) {
  FakeJemalloc& fake = *FakeJemalloc::current;
  const std::string key = name;
  fake.calls.push_back(newp == nullptr ? key : key + " =");

  if (key == "epoch") {
    if (fake.epoch_fails) return EAGAIN;
    if (newp != nullptr && newlen != sizeof(fake.epoch)) return EINVAL;
    if (newp != nullptr) ++fake.epoch;
    if (*oldlenp != sizeof(fake.epoch)) return EINVAL;
    std::memcpy(oldp, &fake.epoch, sizeof(fake.epoch));
    return 0;
  }
  if (newp != nullptr) return EPERM;
  const auto found = fake.values.find(key);
  if (found == fake.values.end()) return ENOENT;

  std::size_t width =
      key == "arenas.narenas" ? sizeof(unsigned) : sizeof(std::size_t);
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

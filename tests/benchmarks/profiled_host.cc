// A host with many stacks, of which a thread measures its allocations.
// profiled_host STACKS: allocates 4 KiB in each of STACKS different stacks.
// For each line of stdin prints the 50th, 99th and 99.9th percentile of the
// time for malloc(3) and free(3) of 64 bytes since the last line, in
// nanoseconds.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kObjectBytes = 4096;
constexpr std::size_t kMeasuredBytes = 64;
constexpr int kDepth = 14;  // Bits of a path.

void* volatile last;

void AllocateBelow(unsigned path, int depth);

// Two call sites: each path of bits is a stack.
// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] void Turn(unsigned path, int depth) {
  if ((path & 1) != 0) {
    AllocateBelow(path >> 1, depth);
    asm volatile("" : : "i"(1));
  } else {
    AllocateBelow(path >> 1, depth);
    asm volatile("" : : "i"(0));
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] void AllocateBelow(unsigned path, int depth) {
  if (depth == 0) {
    last = std::malloc(kObjectBytes);
  } else {
    Turn(path, depth - 1);
  }
  asm volatile("");  // No tail call.
}

// Counts times by their order of magnitude, in steps of 1/16.
class Histogram {
 public:
  void Add(std::uint64_t nanoseconds) {
    counts_[Index(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
  }

  // The times that no more than `shares` of the values exceed; then starts
  // anew.
  std::array<std::uint64_t, 3> TakePercentiles(std::array<double, 3> shares) {
    std::array<std::uint64_t, kSize> counts{};
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      counts.at(i) = counts_[i].exchange(0);
      total += counts.at(i);
    }
    std::array<std::uint64_t, 3> times{};
    for (std::size_t k = 0; k < shares.size(); ++k) {
      const auto rank =
          static_cast<std::uint64_t>(shares.at(k) * static_cast<double>(total));
      std::uint64_t below = 0;
      std::size_t i = 0;
      while (i + 1 < kSize && below + counts.at(i) <= rank) {
        below += counts.at(i++);
      }
      times.at(k) = Time(i);
    }
    return times;
  }

 private:
  static constexpr int kStepBits = 4;
  static constexpr std::size_t kSize = 64 << kStepBits;

  static std::size_t Index(std::uint64_t time) {
    const int magnitude =
        std::max(static_cast<int>(std::bit_width(time)) - kStepBits - 1, 0);
    return (static_cast<std::size_t>(magnitude) << kStepBits) +
           static_cast<std::size_t>(time >> magnitude);
  }
  static std::uint64_t Time(std::size_t index) {
    const std::size_t step = std::size_t{1} << kStepBits;
    if (index < 2 * step) return index;
    const std::size_t magnitude = index / step - 1;
    return (index - magnitude * step) << magnitude;
  }

  std::array<std::atomic<std::uint64_t>, kSize> counts_{};
};

Histogram histogram;
std::atomic<bool> is_ended;

void Measure() {
  while (!is_ended) {
    const auto start = Clock::now();
    void* volatile bytes = std::malloc(kMeasuredBytes);
    std::free(bytes);
    histogram.Add(static_cast<std::uint64_t>((Clock::now() - start).count()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto stacks = static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10));
  for (unsigned path = 0; path < stacks; ++path) AllocateBelow(path, kDepth);
  std::thread measuring(Measure);
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
    for (const std::uint64_t time :
         histogram.TakePercentiles({0.5, 0.99, 0.999})) {
      std::printf("%llu ", static_cast<unsigned long long>(time));
    }
    std::puts("");
    std::fflush(stdout);
  }
  is_ended = true;
  measuring.join();
}

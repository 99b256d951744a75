// A host of the agent whose threads allocate without pause. For each line on
// stdin it prints the number of allocations so far. argv[1]: the threads.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <thread>

namespace {

struct alignas(128) Counter {
  std::atomic<std::uint64_t> value{0};
};

void Allocate(Counter& counter) {
  constexpr unsigned kBlocks = 256;
  void* blocks[kBlocks] = {};
  for (std::uint64_t i = 0;; ++i) {
    void*& block = blocks[i % kBlocks];
    std::free(block);
    block = std::malloc(i * 7919 % 4096 + 1);
    counter.value.store(i, std::memory_order_relaxed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::deque<Counter> counters;
  for (int i = argc > 1 ? std::atoi(argv[1]) : 2; i > 0; --i) {
    std::thread([&counter = counters.emplace_back()] {
      Allocate(counter);
    }).detach();
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
    std::uint64_t sum = 0;
    for (const Counter& counter : counters) sum += counter.value;
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
    std::fflush(stdout);
  }
  std::_Exit(0);
}

// A host whose threads allocate in all ways that meet jemalloc's locks and the
// unwinder, until its stdin ends. For each line of stdin it prints how often
// each was done, and how often a result was wrong. Its argument is the path of
// profile_stress_module.

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> is_ended;
std::atomic<int> failures;

void Require(bool condition) {
  if (!condition) ++failures;
}

// Bytes with a pattern, which is checked before they are freed.
class Block {
 public:
  explicit Block(std::size_t size)
      : bytes_(size, static_cast<unsigned char>(size % kModulus)) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    Require(std::all_of(bytes_.begin(), bytes_.end(), [this](auto byte) {
      return byte == bytes_.size() % kModulus;
    }));
  }

 private:
  static constexpr std::size_t kModulus = 251;

  const std::vector<unsigned char> bytes_;
};

// Throws from some frames below.
// NOLINTNEXTLINE(misc-no-recursion)
[[gnu::noinline]] void ThrowAt(int depth, std::size_t size) {
  const Block block(size);
  if (depth == 0) throw std::runtime_error(std::string(size, 'x'));
  ThrowAt(depth - 1, size + 1);
}

void Throw() {
  constexpr int kDepth = 20;
  constexpr std::size_t kSize = 40;
  try {
    ThrowAt(kDepth, kSize);
    Require(false);
  } catch (const std::exception& error) {
    Require(error.what() == std::string(kSize + kDepth, 'x'));
  }
}

const char* module_path;

// The stacks of a profile have addresses of a library that is unloaded.
void LoadModule() {
  void* const module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
  const auto allocate = module == nullptr
                            ? nullptr
                            : reinterpret_cast<void* (*)(std::size_t, bool)>(
                                  dlsym(module, "AllocateInModule"));
  Require(allocate != nullptr);
  if (allocate == nullptr) return;
  void* const bytes = allocate(100, false);
  try {
    allocate(200, true);
    Require(false);
  } catch (const std::exception& error) {
    Require(std::strlen(error.what()) == 200);
  }
  Require(dlclose(module) == 0);
  ::operator delete(bytes);
}

void Fork() {
  const pid_t child = fork();
  if (child == 0) {
    { const Block block(1000); }
    Throw();
    _exit(failures == 0 ? 0 : 1);
  }
  int status = -1;
  Require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

void StartThread() {
  std::thread([] {
    thread_local const std::vector<int> kNumbers(100, 7);
    Require(kNumbers.back() == 7);
    const Block block(500);
  }).join();
}

std::mutex queue_mutex;
std::vector<Block*> queue;

// Frees what other threads have allocated.
void ExchangeBlocks() {
  constexpr std::size_t kBlocks = 50;
  std::vector<Block*> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(new Block(16 + i * i * 8));
  }
  {
    const std::lock_guard lock(queue_mutex);
    queue.swap(blocks);
  }
  for (Block* const block : blocks) delete block;
}

struct Work {
  const char* name;
  void (*run)();
  std::atomic<int> count{0};
};

Work works[] = {{"throws", Throw},
                {"loads", LoadModule},
                {"forks", Fork},
                {"threads", StartThread},
                {"exchanges", ExchangeBlocks},
                {"exchanges_of_another", ExchangeBlocks}};

// In use until the end: 1,000 objects of 512 bytes.
[[gnu::noinline]] void Keep() {
  constexpr int kObjects = 1000;
  constexpr std::size_t kSize = 512;
  static void* volatile kept[kObjects];
  for (void* volatile& object : kept) object = std::malloc(kSize);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  module_path = argv[1];
  Keep();
  std::vector<std::thread> threads;
  for (Work& work : works) {
    threads.emplace_back([&work] {
      for (; !is_ended; ++work.count) work.run();
    });
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
    for (const Work& work : works) {
      std::printf("%s=%d ", work.name, work.count.load());
    }
    std::printf("failures=%d\n", failures.load());
    std::fflush(stdout);
  }
  is_ended = true;
  for (std::thread& thread : threads) thread.join();
  return failures == 0 ? 0 : 1;
}

#include <gtest/gtest.h>
#include <jemalloc_exporter/heap_expectation.h>
#include <jemalloc_exporter/heap_listener.h>

#include <vector>

TEST(Vector, FreesWhatItHeld) {
  EXPECT_HEAP_STABLE(0) { std::vector<int> numbers(1000); }
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  jemalloc_exporter::HeapListener::Install();
  return RUN_ALL_TESTS();
}

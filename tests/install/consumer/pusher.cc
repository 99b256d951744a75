#include <gtest/gtest.h>
#include <jemalloc_exporter/heap_listener.h>
#include <jemalloc_exporter/pushgateway.h>

#include <vector>

TEST(Vector, HoldsWhatItGot) { EXPECT_EQ(std::vector<int>{7}[0], 7); }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  jemalloc_exporter::InstallPushgatewayListener(
      jemalloc_exporter::HeapListener::Install());
  return RUN_ALL_TESTS();
}

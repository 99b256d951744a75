// The main of this project's own tests: GoogleMock's, under our listener.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jemalloc_exporter/heap_listener.h"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  jemalloc_exporter::HeapListener::Install();
  return RUN_ALL_TESTS();
}

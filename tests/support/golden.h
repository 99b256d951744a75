#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_GOLDEN_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace jemalloc_exporter {

/// The content of the file `name` in tests/golden.
inline std::string ReadGolden(const std::string& name) {
  std::ifstream file(std::string(GOLDEN_DIR "/") + name);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Expects `actual` to be the whole of the file `name` in tests/golden. With
/// UPDATE_GOLDEN in the environment writes the file instead: then read the
/// change before you commit it.
inline void ExpectGolden(const std::string& actual, const std::string& name) {
  const std::string path = std::string(GOLDEN_DIR "/") + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
    FAIL() << "wrote " << path;
  }
  EXPECT_EQ(actual, ReadGolden(name));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_GOLDEN_H_

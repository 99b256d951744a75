#include "jemalloc_exporter/heap_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

TEST(HeapState, HasEveryFieldAbsentByDefault) {
  const HeapState state;
  for (const HeapField& field : kHeapFields) {
    EXPECT_EQ(state.*field.value, std::nullopt) << field.key;
  }
}

TEST(HeapState, FixtureHasTheDocumentedNumbers) {
  const HeapState state = HeapState::test_fixture();
  EXPECT_EQ(state.allocated_bytes, 524'288);
  EXPECT_EQ(state.active_bytes, 1'048'576);
  EXPECT_EQ(state.resident_bytes, 2'097'152);
  EXPECT_EQ(state.mapped_bytes, 4'194'304);
  EXPECT_EQ(state.narenas, 64);
}

TEST(HeapState, IsEqualToItsCopy) {
  const HeapState state = HeapState::test_fixture();
  const HeapState copy = state;
  EXPECT_TRUE(state == copy);
  EXPECT_FALSE(state != copy);
}

TEST(HeapState, DiffersWhenAnyFieldDiffers) {
  for (const HeapField& field : kHeapFields) {
    HeapState changed = HeapState::test_fixture();
    ++*(changed.*field.value);
    EXPECT_TRUE(changed != HeapState::test_fixture()) << field.key;
  }
}

TEST(HeapState, DiffersWhenAnyFieldIsAbsent) {
  for (const HeapField& field : kHeapFields) {
    HeapState absent = HeapState::test_fixture();
    absent.*field.value = std::nullopt;
    EXPECT_TRUE(absent != HeapState::test_fixture()) << field.key;
  }
}

TEST(HeapState, DistinguishesAbsentFromZero) {
  HeapState zero;
  zero.allocated_bytes = 0;
  EXPECT_TRUE(zero != HeapState{});
}

TEST(HeapFields, AreNamedInTheOrderOfTheDesign) {
  std::vector<std::string> rows;
  for (const HeapField& field : kHeapFields) {
    rows.push_back(std::string(field.key) + " " + field.mallctl + " " +
                   std::string(field.metric));
  }
  EXPECT_THAT(rows,
              testing::ElementsAre(
                  "allocated_bytes stats.allocated jemalloc_allocated_bytes",
                  "active_bytes stats.active jemalloc_active_bytes",
                  "resident_bytes stats.resident jemalloc_resident_bytes",
                  "mapped_bytes stats.mapped jemalloc_mapped_bytes",
                  "narenas arenas.narenas jemalloc_arenas"));
}

TEST(HeapFields, HaveHelpThatEndsWithTheMallctlName) {
  for (const HeapField& field : kHeapFields) {
    EXPECT_THAT(std::string(field.help),
                testing::EndsWith(" (" + std::string(field.mallctl) + ")"));
  }
}

}  // namespace
}  // namespace jemalloc_exporter

#include "exporter/agent/find_jemalloc.h"

#include <gtest/gtest.h>

#include <string>

namespace jemalloc_exporter {
namespace {

// Different functions: what they return must differ.
template <int kResult>
int FakeMallctl(const char*, void*, std::size_t*, void*, std::size_t) {
  return kResult;
}

TEST(Jemallocs, HaveDifferentPrefixesAndFunctions) {
  Jemallocs jemallocs;
  jemallocs.Add(MallctlPrefix("a_"), &FakeMallctl<1>);
  jemallocs.Add(MallctlPrefix("a_"), &FakeMallctl<2>);
  jemallocs.Add(MallctlPrefix("b_"), &FakeMallctl<1>);
  jemallocs.Add(MallctlPrefix("c_"), nullptr);
  EXPECT_EQ(jemallocs.size(), 1);
  jemallocs.Add(MallctlPrefix("b_"), &FakeMallctl<2>);
  EXPECT_EQ(jemallocs.size(), 2);
  EXPECT_EQ(jemallocs.Find("a_"), &FakeMallctl<1>);
  EXPECT_EQ(jemallocs.Find("b_"), &FakeMallctl<2>);
  EXPECT_EQ(jemallocs.Find(""), nullptr);
}

TEST(Jemallocs, AreNoMoreThanTheMaximum) {
  Jemallocs jemallocs;
  jemallocs.Add(MallctlPrefix("a"), &FakeMallctl<1>);
  jemallocs.Add(MallctlPrefix("b"), &FakeMallctl<2>);
  jemallocs.Add(MallctlPrefix("c"), &FakeMallctl<3>);
  jemallocs.Add(MallctlPrefix("d"), &FakeMallctl<4>);
  jemallocs.Add(MallctlPrefix("e"), &FakeMallctl<5>);
  jemallocs.Add(MallctlPrefix("f"), &FakeMallctl<6>);
  jemallocs.Add(MallctlPrefix("g"), &FakeMallctl<7>);
  jemallocs.Add(MallctlPrefix("h"), &FakeMallctl<8>);
  jemallocs.Add(MallctlPrefix("i"), &FakeMallctl<9>);
  EXPECT_EQ(jemallocs.size(), kMaxHeaps);
}

TEST(FindJemallocs, FindsThatOfTheProgram) {
  const Jemallocs jemallocs = FindJemallocs();
  if (FindMallctl() == nullptr) {
    EXPECT_TRUE(jemallocs.empty());
    return;
  }
  ASSERT_EQ(jemallocs.size(), 1);
  EXPECT_EQ(jemallocs.begin()->mallctl, FindMallctl());
  EXPECT_EQ(jemallocs.begin()->prefix.view(), "");
}

}  // namespace
}  // namespace jemalloc_exporter

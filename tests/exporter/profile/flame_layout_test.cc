#include "exporter/profile/flame_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/sample_profile.h"

namespace jemalloc_exporter {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::Ge;
using testing::IsEmpty;
using testing::Lt;
using testing::SizeIs;

// A line for each frame: "depth left+width name bytes".
std::string ToText(const FlameLayout& layout) {
  std::ostringstream text;
  for (const FlameFrame& frame : layout.frames) {
    text << frame.depth << ' ' << frame.left << '+' << frame.width << ' '
         << (frame.merged > 0 ? std::to_string(frame.merged) + " merged"
                              : frame.name)
         << ' ' << frame.values.bytes << '\n';
  }
  return text.str();
}

TEST(FlameLayout, PutsCalleesBelowTheirCallerTheMostBytesFirst) {
  const HeapProfile profile = ProfileOf({{{"main", "small"}, 100},
                                         {{"main", "large", "copy"}, 500},
                                         {{"main", "large"}, 100},
                                         {{"start"}, 300}});
  EXPECT_EQ(ToText(LayOutFlames(profile)),
            "0 0+1  1000\n"
            "1 0+0.7 main 700\n"
            "1 0.7+0.3 start 300\n"
            "2 0+0.6 large 600\n"
            "2 0.6+0.1 small 100\n"
            "3 0+0.5 copy 500\n");
}

TEST(FlameLayout, SortsFramesOfEqualBytesByName) {
  EXPECT_EQ(
      ToText(LayOutFlames(ProfileOf({{{"b"}, 50}, {{"c"}, 50}, {{"a"}, 50}}))),
      "0 0+1  150\n"
      "1 0+0.333333 a 50\n"
      "1 0.333333+0.333333 b 50\n"
      "1 0.666667+0.333333 c 50\n");
}

TEST(FlameLayout, KeepsCallsOfAFunctionByItselfApart) {
  EXPECT_EQ(ToText(LayOutFlames(ProfileOf({{{"f", "f", "f"}, 8}}))),
            "0 0+1  8\n1 0+1 f 8\n2 0+1 f 8\n3 0+1 f 8\n");
}

TEST(FlameLayout, HasInlinedFunctionsBelowThoseTheyAreIn) {
  HeapProfile profile;
  profile.locations = {{.address = 1,
                        .mapping = 0,
                        .frames = {{"inlined", "inlined", "a.h", 1},
                                   {"outer", "outer", "", 0}}}};
  profile.samples = {{.locations = {0}, .values = {1, 8, 0, 0}}};
  EXPECT_EQ(ToText(LayOutFlames(profile)),
            "0 0+1  8\n1 0+1 outer 8\n2 0+1 inlined 8\n");
}

TEST(FlameLayout, DistinguishesTheFilesOfFunctions) {
  HeapProfile profile = ProfileOf({{{"main"}, 4}, {{"malloc"}, 2}, {{"x"}, 1}});
  profile.locations[1].mapping = 1;
  profile.locations[2].mapping.reset();
  profile.locations[2].frames.clear();
  const auto frames = LayOutFlames(profile).frames;
  EXPECT_THAT(frames,
              ElementsAre(Field(&FlameFrame::origin, FrameOrigin::kTotal),
                          Field(&FlameFrame::origin, FrameOrigin::kProgram),
                          Field(&FlameFrame::origin, FrameOrigin::kLibrary),
                          Field(&FlameFrame::origin, FrameOrigin::kUnnamed)));
  EXPECT_EQ(frames.back().name, "0x3");
}

TEST(FlameLayout, HasTheLinesOfMostBytes) {
  HeapProfile profile = ProfileOf(
      {{{"f"}, 10}, {{"f"}, 40}, {{"f"}, 20}, {{"f"}, 30}, {{"g"}, 1}});
  for (std::size_t i = 0; i < 4; ++i) {
    profile.locations.push_back(profile.locations[0]);
    profile.locations.back().frames.front().line = static_cast<int>(i) + 1;
    profile.locations.back().frames.front().file = "f.cc";
    profile.samples[i].locations = {profile.locations.size() - 1};
  }
  const auto frames = LayOutFlames(profile).frames;
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(frames[1].name, "f");
  const auto is = [](int line, double bytes) {
    return testing::AllOf(Field(&FrameSource::file, "f.cc"),
                          Field(&FrameSource::line, line),
                          Field(&FrameSource::bytes, bytes));
  };
  EXPECT_THAT(frames[1].sources, ElementsAre(is(2, 40), is(4, 30), is(3, 20)));
  EXPECT_THAT(frames[2].sources, IsEmpty());  // No debug information.
}

TEST(FlameLayout, HasGrowthAndShrinkageApartOnOneScale) {
  const FlameLayout layout =
      LayOutFlames(ProfileOf({{{"main", "free"}, -100},
                              {{"main", "leak"}, 200},
                              {{"main", "cache"}, 100}}));
  EXPECT_EQ(ToText(layout),
            "0 0+0.75  300\n"
            "0 0.75+0.25  -100\n"
            "1 0+0.75 main 300\n"
            "1 0.75+0.25 main -100\n"
            "2 0+0.5 leak 200\n"
            "2 0.5+0.25 cache 100\n"
            "2 0.75+0.25 free -100\n");
  EXPECT_EQ(layout.growth.bytes, 300);
  EXPECT_EQ(layout.shrinkage.bytes, -100);
  EXPECT_EQ(ToText(LayOutFlames(ProfileOf({{{"main"}, -4}}))),
            "0 0+1  -4\n1 0+1 main -4\n");
}

TEST(FlameLayout, IsEmptyWithoutBytes) {
  EXPECT_THAT(LayOutFlames(HeapProfile()).frames, IsEmpty());
  EXPECT_THAT(LayOutFlames(ProfileOf({{{"main"}, 0}})).frames, IsEmpty());
}

// n samples of small objects stand for n periods of bytes, with an error of the
// root of n periods. Allocations of many periods are all sampled.
TEST(FlameLayout, HasTheErrorOfSampling) {
  constexpr double kPeriod = 524'288;
  HeapProfile profile = ProfileOf({{{"small"}, 100 * kPeriod}});
  profile.samples[0].values.inuse_objects = 100 * kPeriod / 16;
  EXPECT_NEAR(std::sqrt(LayOutFlames(profile).growth.variance), 10 * kPeriod,
              100);
  profile.samples[0].values.inuse_objects = 1;
  EXPECT_NEAR(LayOutFlames(profile).growth.variance, 0, 1);
  profile.period = 1;
  EXPECT_EQ(LayOutFlames(profile).growth.variance, 0);
}

TEST(FlameLayout, MergesNarrowSiblings) {
  std::vector<SampleStack> stacks = {{{"main", "wide"}, 996}};
  for (int i = 0; i < 8; ++i) {
    stacks.push_back({{"main", "narrow" + std::to_string(i), "callee"}, 0.5});
  }
  const FlameLayout layout = LayOutFlames(ProfileOf(stacks));
  EXPECT_EQ(ToText(layout),
            "0 0+1  1000\n"
            "1 0+1 main 1000\n"
            "2 0+0.996 wide 996\n"
            "2 0.996+0.004 8 merged 4\n");
  EXPECT_EQ(layout.narrow_frames, 8U);
  EXPECT_EQ(layout.min_width, 0.001);
}

TEST(FlameLayout, OmitsNarrowSiblingsThatAreNarrowTogether) {
  const FlameLayout layout =
      LayOutFlames(ProfileOf({{{"wide"}, 9999}, {{"narrow"}, 1}}));
  EXPECT_EQ(ToText(layout), "0 0+1  10000\n1 0+0.9999 wide 9999\n");
  EXPECT_EQ(layout.narrow_frames, 1U);
}

TEST(FlameLayout, HasALimitOfFrames) {
  std::vector<SampleStack> stacks;
  for (int i = 0; i < 200; ++i) {
    SampleStack& stack = stacks.emplace_back();
    stack.bytes = 1;
    for (int k = 0; k < 100; ++k) {
      stack.functions.push_back(std::to_string(i) + "/" + std::to_string(k));
    }
  }
  const FlameLayout layout = LayOutFlames(ProfileOf(stacks));
  EXPECT_LE(layout.frames.size(), kMaxFlameFrames);
  EXPECT_GT(layout.min_width, 0.001);
  EXPECT_GT(layout.narrow_frames, 0U);
  EXPECT_THAT(layout.frames,
              Each(Field(&FlameFrame::width, Ge(layout.min_width))));
}

TEST(FlameLayout, HasAllFramesUpToItsLimit) {
  std::vector<SampleStack> stacks;
  std::size_t frames = 1;
  while (frames < kMaxFlameFrames) {
    SampleStack& stack = stacks.emplace_back();
    stack.bytes = 100;
    while (frames < kMaxFlameFrames &&
           stack.functions.size() < kMaxFlameDepth) {
      stack.functions.push_back(std::to_string(frames++));
    }
  }
  stacks.front().bytes = 200;  // Laid out last: nothing follows its end.
  EXPECT_THAT(LayOutFlames(ProfileOf(stacks)).frames, SizeIs(kMaxFlameFrames));
  stacks.back().functions.emplace_back("one more");
  EXPECT_THAT(LayOutFlames(ProfileOf(stacks)).frames,
              SizeIs(Lt(kMaxFlameFrames)));
}

TEST(FlameLayout, HasALimitOfDepth) {
  SampleStack stack = {{}, 1};
  for (std::size_t i = 0; i < kMaxFlameDepth; ++i) {
    stack.functions.push_back("f" + std::to_string(i));
  }
  FlameLayout layout = LayOutFlames(ProfileOf({stack}));
  EXPECT_THAT(layout.frames, SizeIs(1 + kMaxFlameDepth));
  EXPECT_FALSE(layout.is_cut);
  stack.functions.emplace_back("deeper");
  layout = LayOutFlames(ProfileOf({stack}));
  EXPECT_THAT(layout.frames, SizeIs(1 + kMaxFlameDepth));
  EXPECT_TRUE(layout.is_cut);
}

}  // namespace
}  // namespace jemalloc_exporter

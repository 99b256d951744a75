#include "exporter/profile/flame_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/profile/flame_graph_style.h"
#include "exporter/profile/flame_layout.h"
#include "tests/support/golden.h"
#include "tests/support/sample_profile.h"

namespace jemalloc_exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kMebibyte = 1 << 20;

// A document without its CSS.
std::string WithoutStyle(std::string document) {
  const std::size_t start = document.find(kFlameGraphStyle);
  EXPECT_NE(start, std::string::npos);
  return document.erase(start, kFlameGraphStyle.size());
}

void SetLine(ProfileLocation& location, const std::string& file, int line) {
  location.frames.front().file = file;
  location.frames.front().line = line;
}

HeapProfile Example(double leaked) {
  HeapProfile profile =
      ProfileOf({{{"main", "shop::Parse(int)", "operator new"}, leaked},
                 {{"main", "shop::Parse(int)", "memcpy"}, kMebibyte},
                 {{"main", "std::map<A&B>::at"}, -kMebibyte},
                 {{"main", "narrow"}, 100}});
  SetLine(profile.locations[0], "/src/main.cc", 8);
  SetLine(profile.locations[1], "/src/shop.cc", 11);
  profile.locations[2].mapping = 1;
  profile.locations[3].frames.clear();
  profile.locations[3].mapping = 1;
  return profile;
}

TEST(FlameGraph, IsAnHtmlDocument) {
  HeapProfile profile = Example(60 * kMebibyte);
  profile.samples.erase(profile.samples.begin() + 2);
  ExpectGolden(WithoutStyle(ToFlameGraph(profile)), "flame_graph.html");
}

TEST(FlameGraph, HasGrowthAndShrinkageOfADifference) {
  HeapProfile profile = Example(8 * kMebibyte);
  profile.duration_ns = 60'400'000'000;
  ExpectGolden(WithoutStyle(ToFlameGraph(profile)),
               "flame_graph_difference.html");
}

TEST(FlameGraph, HasNoLegendOfWhatDoesNotOccur) {
  HeapProfile profile = ProfileOf({{{"main"}, kMebibyte}});
  std::string document = WithoutStyle(ToFlameGraph(profile));
  EXPECT_THAT(document, HasSubstr("swatch program"));
  EXPECT_THAT(document, Not(HasSubstr("swatch library")));
  profile.duration_ns = 1;
  document = WithoutStyle(ToFlameGraph(profile));
  EXPECT_THAT(document,
              HasSubstr("<b>+1.0 MiB</b> in 0 s ± 405.1 KiB <small>"));
  EXPECT_THAT(document, Not(HasSubstr("swatch shrinkage")));
  profile.samples[0].values.inuse_bytes = -kMebibyte;
  document = WithoutStyle(ToFlameGraph(profile));
  EXPECT_THAT(document,
              HasSubstr("<b>−1.0 MiB</b> in 0 s ± 405.1 KiB <small>"));
  EXPECT_THAT(document, Not(HasSubstr("swatch growth")));
}

TEST(FlameGraph, LinksToOthersWhereItIsServed) {
  HeapProfile profile = ProfileOf({{{"main"}, kMebibyte}});
  EXPECT_THAT(ToFlameGraph(profile), Not(HasSubstr("<a ")));
  EXPECT_THAT(
      ToFlameGraph(profile, FlameGraphUse::kServed),
      HasSubstr("<nav><a href=\"?pid=42&amp;format=flamegraph&amp;seconds=30\">"
                "Growth in 30 s</a><a href=\"?pid=42\">Download for pprof</a>"
                "<a href=\"../../\">All processes</a></nav>"));
  profile.duration_ns = 60'000'000'000;
  EXPECT_THAT(ToFlameGraph(profile, FlameGraphUse::kServed),
              HasSubstr("<nav><a href=\"?pid=42&amp;format=flamegraph\">All in "
                        "use</a><a href=\"?pid=42&amp;seconds=60\">Download "
                        "for pprof</a>"));
}

TEST(FlameGraph, ExplainsThatAProfileIsEmpty) {
  HeapProfile profile = ProfileOf({});
  std::string document = ToFlameGraph(profile);
  EXPECT_THAT(document, HasSubstr("<h2>No allocation was sampled</h2>"));
  EXPECT_THAT(document, HasSubstr("one byte of 512.0 KiB"));
  EXPECT_THAT(document, HasSubstr("prof_active:false"));
  EXPECT_THAT(document, Not(HasSubstr("<svg")));
  profile.duration_ns = 2'000'000'000;
  document = ToFlameGraph(profile);
  EXPECT_THAT(document, HasSubstr("<h2>No change was sampled</h2>"));
  EXPECT_THAT(document, HasSubstr("than 2 s before"));
  EXPECT_THAT(document, Not(HasSubstr("<svg")));
}

TEST(FlameGraph, EscapesNames) {
  constexpr const char* kName = "</title><script>alert(\"&\")</script>";
  constexpr const char* kEscaped =
      "&lt;/title&gt;&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;";
  HeapProfile profile = ProfileOf({{{kName}, kMebibyte}});
  SetLine(profile.locations[0], kName, 1);
  profile.comm = kName;
  profile.jemalloc_version = kName;
  const std::string document = ToFlameGraph(profile);
  EXPECT_THAT(document, Not(HasSubstr("<script")));
  for (const std::string start : {"<h1>Heap profile of ", "jemalloc ",
                                  "<title>", "\n", "\">", "<tspan>  "}) {
    if (start == "<tspan>  ") continue;  // Of the file's last component.
    EXPECT_THAT(document, HasSubstr(start + kEscaped)) << start;
  }
  EXPECT_THAT(document, HasSubstr("<tspan>  script&gt;:1</tspan>"));
}

// In front of and behind a character of two bytes.
TEST(FlameGraph, CutsLongNames) {
  const auto repeated = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "é";
    return text;
  };
  constexpr std::size_t kCharacters = 4096;
  const std::string name = repeated(kCharacters);
  for (const auto& [file, end] :
       {std::pair("/" + name, repeated(100)),
        std::pair("/" + name + "x", repeated(99) + "x")}) {
    HeapProfile profile = ProfileOf({{{name}, kMebibyte}});
    SetLine(profile.locations[0], file, 1);
    const std::string document = WithoutStyle(ToFlameGraph(profile));
    EXPECT_THAT(document, HasSubstr("<title>" + repeated(500) + "\n…" + end +
                                    ":1\n1.0 MiB"));
    EXPECT_LT(document.size(), 6'000U);
  }
}

TEST(FlameGraph, ReportsWhatIsNotShown) {
  std::string document = ToFlameGraph(ProfileOf({{{"main"}, kMebibyte}}));
  EXPECT_THAT(document, Not(HasSubstr("are merged or omitted")));
  EXPECT_THAT(document, Not(HasSubstr("Stacks are cut")));
  EXPECT_THAT(document, HasSubstr("The executable has no debug information"));

  SampleStack deep = {{}, kMebibyte};
  for (std::size_t i = 0; i <= kMaxFlameDepth; ++i) {
    deep.functions.emplace_back("f");
  }
  HeapProfile profile = ProfileOf({deep, {{"narrow"}, 10}});
  SetLine(profile.locations[0], "f.cc", 1);
  document = ToFlameGraph(profile);
  EXPECT_THAT(document,
              HasSubstr("<p>1 frame of less than 0.1 % of the width (1.0 KiB) "
                        "are merged or omitted, with their callees.</p>"));
  EXPECT_THAT(document, HasSubstr("Stacks are cut at 512 functions."));
  EXPECT_THAT(document, Not(HasSubstr("no debug information")));

  profile = ProfileOf({{{"of_a_library"}, kMebibyte}});
  profile.locations[0].mapping = 1;
  EXPECT_THAT(ToFlameGraph(profile), Not(HasSubstr("no debug information")));
}

// The values of a hostile dump.
TEST(FlameGraph, HasEstimatesOfAnySize) {
  const HeapProfile profile =
      ProfileOf({{{"huge"}, 1e40}, {{"less"}, 1e39}, {{"tiny"}, 1e-30}});
  EXPECT_THAT(ToFlameGraph(profile), HasSubstr("<b>7.8 EiB</b> in use"));
}

TEST(FlameGraph, IsSmallForManyStacks) {
  std::vector<SampleStack> stacks(20'000);
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    stacks[i] = {{"main", std::to_string(i % 100), std::to_string(i)}, 1};
  }
  EXPECT_LT(ToFlameGraph(ProfileOf(stacks)).size(), 1U << 20);
}

}  // namespace
}  // namespace jemalloc_exporter

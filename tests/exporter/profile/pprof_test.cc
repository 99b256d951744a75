#include "exporter/profile/pprof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "exporter/profile/collapsed.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::SizeIs;

std::string Decompress(std::string compressed) {
  z_stream stream{};
  inflateInit2(&stream, MAX_WBITS + 16);
  std::string data(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(data.data());
  stream.avail_out = static_cast<uInt>(data.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  data.resize(stream.total_out);
  inflateEnd(&stream);
  return data;
}

using Numbers = std::map<unsigned, std::vector<std::uint64_t>>;

// The numbers of a message by field, those of packed fields included.
Numbers Decode(protozero::pbf_reader message) {
  Numbers numbers;
  while (message.next()) {
    auto& values = numbers[message.tag()];
    if (message.wire_type() == protozero::pbf_wire_type::varint) {
      values.push_back(message.get_uint64());
    } else {
      for (const auto value : message.get_packed_uint64()) {
        values.push_back(value);
      }
    }
  }
  return numbers;
}

// A profile, decoded: see profile.proto of pprof.
struct Decoded {
  explicit Decoded(const HeapProfile& profile)
      : bytes(Decompress(ToPprof(profile))) {
    protozero::pbf_reader message(bytes);
    while (message.next()) {
      switch (message.tag()) {
        case 6:
          strings.push_back(message.get_string());
          break;
        case 4:
          locations.push_back(message.get_message());
          break;
        case 1:
        case 2:
        case 3:
        case 5:
        case 11:
          messages[message.tag()].push_back(Decode(message.get_message()));
          break;
        default:
          numbers[message.tag()].push_back(message.get_uint64());
      }
    }
  }

  std::string Text(std::uint64_t index) const { return strings.at(index); }

  std::string bytes;
  std::vector<std::string> strings;
  std::vector<protozero::pbf_reader> locations;
  std::map<unsigned, std::vector<Numbers>> messages;
  Numbers numbers;
};

HeapProfile Example() {
  HeapProfile profile;
  profile.period = 524'288;
  profile.time_ns = 1'700'000'000'000'000'000;
  profile.duration_ns = 2'000'000'000;
  profile.comm = "host";
  profile.pid = 42;
  profile.mappings = {{.start = 0x1000,
                       .limit = 0x2000,
                       .offset = 0x1000,
                       .path = "/usr/bin/host",
                       .build_id = "c0ffee"},
                      {.start = 0x7000,
                       .limit = 0x9000,
                       .offset = 0,
                       .path = "/lib/other.so",
                       .build_id = ""}};
  profile.locations = {{.address = 0x1233,
                        .mapping = 0,
                        .frames = {{.function = "shop::Copy(int)",
                                    .system_name = "_ZN4shop4CopyEi",
                                    .file = "shop.cc",
                                    .line = 7},
                                   {.function = "shop::Parse(int)",
                                    .system_name = "_ZN4shop5ParseEi",
                                    .file = "shop.cc",
                                    .line = 11}}},
                       {.address = 0x7010, .mapping = 1, .frames = {}},
                       {.address = 0x99, .mapping = {}, .frames = {}}};
  profile.samples = {{.locations = {0, 1}, .values = {2, 1024.4, 3, 4096}},
                     {.locations = {0, 1, 2}, .values = {-1, -512.5, 0, 0}}};
  return profile;
}

TEST(Pprof, HasTheTypesOfGoInItsOrder) {
  HeapProfile profile = Example();
  const auto types = [](const Decoded& decoded) {
    std::vector<std::string> names;
    for (const Numbers& type : decoded.messages.at(1)) {
      names.push_back(decoded.Text(type.at(1).front()) + "/" +
                      decoded.Text(type.at(2).front()));
    }
    return names;
  };
  EXPECT_THAT(types(Decoded(profile)),
              ElementsAre("inuse_objects/count", "inuse_space/bytes"));
  profile.has_alloc = true;
  const Decoded decoded(profile);
  EXPECT_THAT(types(decoded),
              ElementsAre("alloc_objects/count", "alloc_space/bytes",
                          "inuse_objects/count", "inuse_space/bytes"));
  EXPECT_EQ(decoded.Text(decoded.numbers.at(14).front()), "inuse_space");
  EXPECT_THAT(decoded.messages.at(2).front().at(2),
              ElementsAre(3, 4096, 2, 1024));
}

TEST(Pprof, HasIdsFromOneAndAnEmptyFirstString) {
  const Decoded decoded(Example());
  EXPECT_EQ(decoded.strings.front(), "");
  EXPECT_EQ(decoded.messages.at(3)[0].at(1).front(), 1U);
  EXPECT_EQ(decoded.messages.at(3)[1].at(1).front(), 2U);
  EXPECT_THAT(decoded.messages.at(2)[1].at(1), ElementsAre(1, 2, 3));
  EXPECT_THAT(decoded.messages.at(2)[1].at(2),
              ElementsAre(static_cast<std::uint64_t>(-1),
                          static_cast<std::uint64_t>(-513)));
  ASSERT_THAT(decoded.locations, SizeIs(3));
  ASSERT_THAT(decoded.messages.at(5), SizeIs(2));
}

TEST(Pprof, HasTimesPeriodAndComments) {
  const Decoded decoded(Example());
  EXPECT_EQ(decoded.numbers.at(9).front(), 1'700'000'000'000'000'000U);
  EXPECT_EQ(decoded.numbers.at(10).front(), 2'000'000'000U);
  EXPECT_EQ(decoded.numbers.at(12).front(), 524'288U);
  EXPECT_EQ(decoded.Text(decoded.messages.at(11).front().at(1).front()),
            "space");
  EXPECT_EQ(decoded.Text(decoded.numbers.at(13)[1]), "pid: 42");
}

// go tool pprof looks for symbols itself unless a mapping has functions.
TEST(Pprof, DescribesMappingsAndInlinedFunctions) {
  const Decoded decoded(Example());
  const Numbers& host = decoded.messages.at(3)[0];
  EXPECT_THAT(host.at(2), ElementsAre(0x1000));
  EXPECT_THAT(host.at(3), ElementsAre(0x2000));
  EXPECT_THAT(host.at(4), ElementsAre(0x1000));
  EXPECT_EQ(decoded.Text(host.at(5).front()), "/usr/bin/host");
  EXPECT_EQ(decoded.Text(host.at(6).front()), "c0ffee");
  for (const unsigned has : {7, 8, 9, 10}) {
    EXPECT_THAT(host.at(has), ElementsAre(1)) << has;
    EXPECT_THAT(decoded.messages.at(3)[1].at(has), ElementsAre(0)) << has;
  }
  protozero::pbf_reader location = decoded.locations.front();
  std::vector<std::string> lines;
  while (location.next(4)) {
    const Numbers line = Decode(location.get_message());
    for (const Numbers& function : decoded.messages.at(5)) {
      if (function.at(1) != line.at(1)) continue;
      lines.push_back(decoded.Text(function.at(2).front()) + " " +
                      decoded.Text(function.at(4).front()) + ":" +
                      std::to_string(line.at(2).front()));
    }
  }
  EXPECT_THAT(lines, ElementsAre("shop::Copy(int) shop.cc:7",
                                 "shop::Parse(int) shop.cc:11"));
  EXPECT_THAT(decoded.strings, IsSupersetOf({"_ZN4shop5ParseEi"}));
}

TEST(Pprof, HasNoLinesWhereSymbolsHaveNone) {
  HeapProfile profile = Example();
  profile.locations[1].frames = {
      {.function = "f", .system_name = "f", .file = {}}};
  const Numbers other = Decoded(profile).messages.at(3)[1];
  EXPECT_THAT(other.at(7), ElementsAre(1));
  EXPECT_THAT(other.at(9), ElementsAre(0));
}

TEST(Pprof, BoundsValuesOfHostileDumps) {
  HeapProfile profile = Example();
  profile.samples = {{.locations = {0}, .values = {1e19, -1e19, 0, 0}}};
  EXPECT_THAT(Decoded(profile).messages.at(2).front().at(2),
              ElementsAre(0x7fffffffffffffff, 0x8000000000000000));
}

TEST(Collapsed, HasALineForEachStackThatGrew) {
  HeapProfile profile = Example();
  profile.locations.front().frames.front().function = "a;b";
  profile.samples.push_back(profile.samples.front());
  profile.mappings.back().offset = 0x3000;
  EXPECT_EQ(ToCollapsed(profile),
            "other.so+0x3010;shop::Parse(int);a:b 2049\n");
}

}  // namespace
}  // namespace jemalloc_exporter

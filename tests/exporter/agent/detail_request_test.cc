#include "exporter/agent/detail_request.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "exporter/agent/protocol.h"

namespace jemalloc_exporter {
namespace {

constexpr HeapDetailSets kNone;

HeapDetailSets Parse(const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::min(name.size(), sizeof(address.sun_path) - 1);
  std::memcpy(address.sun_path + 1, name.data(), size);
  return ParseDetailRequest(
      address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                      name.size()));
}

TEST(ParseDetailRequest, ParsesEachCombinationThatAClientWrites) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    const HeapDetailSets sets = {.bins = (bits & 1) != 0,
                                 .sizes = (bits & 2) != 0,
                                 .locks = (bits & 4) != 0,
                                 .arenas = (bits & 8) != 0,
                                 .extents = (bits & 16) != 0};
    sockaddr_un address;
    const socklen_t size =
        WriteDetailRequest(sets, 0xFEDCBA9876543210, &address);
    EXPECT_LE(size, sizeof(address));
    EXPECT_TRUE(ParseDetailRequest(address, size) == sets) << bits;
  }
}

TEST(ParseDetailRequest, WritesTheNameOfVersion1) {
  sockaddr_un address;
  const socklen_t size = WriteDetailRequest({.bins = true, .locks = true},
                                            0x0123456789ABCDEF, &address);
  EXPECT_EQ(std::string(address.sun_path + 1,
                        size - offsetof(sockaddr_un, sun_path) - 1),
            "jemalloc_exporter_ask/1/bins,locks/0123456789abcdef");
}

TEST(ParseDetailRequest, ReturnsNoSetForAnyOtherName) {
  for (const std::string& name : {
           std::string(),
           std::string("other"),
           std::string("jemalloc_exporter/42"),
           std::string("jemalloc_exporter_ask/2/bins/0"),
           std::string("jemalloc_exporter_ask/11/bins/0"),
           std::string("jemalloc_exporter_ask/1/"),
           std::string("jemalloc_exporter_ask/1//0"),
           std::string("jemalloc_exporter_ask/1/bins"),
           std::string("jemalloc_exporter_ask/1/,,,/0"),
           std::string("jemalloc_exporter_ask/1/bin,binss,BINS, bins/0"),
           std::string("jemalloc_exporter_ask/1/bins\0/0", 30),
           std::string("jemalloc_exporter_ask/1/\xFF\xFE/0"),
           std::string("\0jemalloc_exporter_ask/1/bins/0", 31),
           std::string(107, '/'),
           "jemalloc_exporter_ask/1/" + std::string(83, 'b'),
       }) {
    EXPECT_TRUE(Parse(name) == kNone) << name;
  }
}

TEST(ParseDetailRequest, IgnoresUnknownAndEmptyWords) {
  EXPECT_TRUE(Parse("jemalloc_exporter_ask/1/new,,bins,\xFF,locks,/0") ==
              (HeapDetailSets{.bins = true, .locks = true}));
  EXPECT_TRUE(Parse("jemalloc_exporter_ask/1/bins,bins/x/y") ==
              HeapDetailSets{.bins = true});
  const std::string longest =
      "jemalloc_exporter_ask/1/" + std::string(77, ',') + "bins/0";
  ASSERT_EQ(longest.size(), 107);
  EXPECT_TRUE(Parse(longest) == HeapDetailSets{.bins = true});
}

TEST(ParseDetailRequest, ReturnsNoSetForAddressesThatAreNotAbstract) {
  sockaddr_un address;
  const socklen_t size = WriteDetailRequest({.bins = true}, 7, &address);
  EXPECT_TRUE(ParseDetailRequest(address, 0) == kNone);
  EXPECT_TRUE(ParseDetailRequest(address, sizeof(sa_family_t)) == kNone);
  EXPECT_TRUE(ParseDetailRequest(address, sizeof(sa_family_t) + 1) == kNone);
  EXPECT_TRUE(ParseDetailRequest(address, sizeof(address) + 1) == kNone);
  sockaddr_un of_file = address;
  of_file.sun_path[0] = '/';
  EXPECT_TRUE(ParseDetailRequest(of_file, size) == kNone);
  sockaddr_un of_family = address;
  of_family.sun_family = AF_INET;
  EXPECT_TRUE(ParseDetailRequest(of_family, size) == kNone);
}

// Agents are found by their prefix.
TEST(ParseDetailRequest, HasAnotherPrefixThanAgents) {
  EXPECT_FALSE(kRequestPrefix.starts_with(kSocketPrefix));
}

}  // namespace
}  // namespace jemalloc_exporter

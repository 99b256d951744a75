#include "exporter/http/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace jemalloc_exporter {
namespace {

std::string Decompress(std::string compressed, std::size_t size) {
  z_stream stream{};
  inflateInit2(&stream, MAX_WBITS + 16);
  std::string data(size + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(data.data());
  stream.avail_out = static_cast<uInt>(data.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0) << "something after the end";
  data.resize(stream.total_out);
  inflateEnd(&stream);
  return data;
}

TEST(Gzip, DecompressesToTheInput) {
  std::string page;
  for (int i = 0; i < 10'000; ++i) {
    page += "jemalloc_allocated_bytes{pid=\"" + std::to_string(i * 7919) +
            "\"} 1\n";
  }
  const std::string compressed = Gzip(page);
  EXPECT_LT(compressed.size(), page.size() / 3);
  EXPECT_EQ(Decompress(compressed, page.size()), page);
}

TEST(Gzip, CompressesAnEmptyInput) { EXPECT_EQ(Decompress(Gzip(""), 0), ""); }

TEST(Gzip, CompressesIncompressibleInput) {
  std::string noise;
  unsigned state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    noise += static_cast<char>(state >> 24);
  }
  EXPECT_EQ(Decompress(Gzip(noise), noise.size()), noise);
}

}  // namespace
}  // namespace jemalloc_exporter

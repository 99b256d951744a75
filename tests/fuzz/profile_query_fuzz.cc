// Fuzzes the query of /debug/pprof/heap.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/endpoints/form_query.h"
#include "exporter/endpoints/profile_query.h"
#include "tests/fuzz/require.h"

namespace {

using jemalloc_exporter::ParseFormQuery;
using jemalloc_exporter::ParseProfileQuery;
using jemalloc_exporter::ProfileCommand;
using jemalloc_exporter::ProfileQuery;
using jemalloc_exporter::Require;

std::string Encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

// Percent-encoding of every byte does not change the result.
void CheckDecoding(std::string_view text) {
  std::string encoded;
  const auto parameters = ParseFormQuery(text);
  for (const auto& [key, value] : parameters) {
    encoded += Encode(key) + "=" + Encode(value) + "&";
  }
  Require(ParseFormQuery(encoded) == parameters);
}

void CheckQuery(const ProfileQuery& query) {
  constexpr int kMaxSeconds = 300;
  Require(!query.pid || *query.pid > 0);
  Require(!query.comm || !query.comm->empty());
  Require(query.seconds >= 0 && query.seconds <= kMaxSeconds);
  Require(query.format != nullptr);
  // No text of the client but the names of formats is an argument.
  for (const std::string& argument : ProfileCommand(query, 1)) {
    Require(argument.find_first_not_of(
                "abcdefghijklmnopqrstuvwxyz-=0123456789") == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckDecoding(text);
  std::string error;
  const auto query = ParseProfileQuery(text, &error);
  Require(query.has_value() == error.empty());
  Require(std::all_of(error.begin(), error.end(),
                      [](char c) { return c >= ' ' && c <= '~'; }));
  if (query) CheckQuery(*query);
  return 0;
}

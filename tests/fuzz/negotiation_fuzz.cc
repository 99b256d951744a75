// Fuzzes negotiation: the bytes are the value of Accept and of Accept-Encoding.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/exposition/negotiation.h"
#include "tests/fuzz/require.h"

namespace {

using jemalloc_exporter::AcceptsGzip;
using jemalloc_exporter::Format;
using jemalloc_exporter::NegotiateFormat;
using jemalloc_exporter::Require;

std::string InUpperCase(std::string text) {
  for (char& c : text) {
    if ('a' <= c && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// Entries that are prepended never become part of a quoted string.
void CheckFormat(const std::string& accept) {
  const Format format = NegotiateFormat(accept);
  Require(format == Format::kText || format == Format::kOpenMetrics);
  Require(NegotiateFormat(InUpperCase(accept)) == format);
  for (const std::string start :
       {" \t", ",", "image/png,", "text/plain;version=1.0.0,", "*/*;q=0,",
        "application/openmetrics-text;version=1.0.0;q=2,"}) {
    Require(NegotiateFormat(start + accept) == format);
    Require(NegotiateFormat(start + accept + "\t ") == format);
  }
  // The highest quality is 1, and of equal ones the first is selected.
  Require(NegotiateFormat("text/plain;version=0.0.4," + accept) ==
          Format::kText);
  Require(NegotiateFormat("application/openmetrics-text;q=1.0," + accept) ==
          Format::kOpenMetrics);
}

void CheckEncoding(const std::string& accept_encoding) {
  const bool gzip = AcceptsGzip(accept_encoding);
  Require(AcceptsGzip(InUpperCase(accept_encoding)) == gzip);
  for (const std::string start : {" \t", ",", "br,", "deflate;q=1.0,"}) {
    Require(AcceptsGzip(start + accept_encoding) == gzip);
    Require(AcceptsGzip(start + accept_encoding + "\t ") == gzip);
  }
  Require(AcceptsGzip("gzip," + accept_encoding));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckFormat(text);
  CheckEncoding(text);
  return 0;
}

// Web configurations: the input is the YAML.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "exporter/http_config/tls_context.h"
#include "exporter/http_config/web_config.h"
#include "tests/fuzz/require.h"

namespace {

using jemalloc_exporter::Require;
using jemalloc_exporter::WebConfig;

void RequireOneLine(std::string_view text) {
  Require(!text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7F';
  }));
}

std::optional<WebConfig> Parse(std::string_view yaml) try {
  jemalloc_exporter::ConfigFileReader files;
  return jemalloc_exporter::ParseWebConfig(yaml, "/nonexistent", files);
} catch (const std::runtime_error& error) {
  RequireOneLine(error.what());
  return std::nullopt;
}

void CheckTls(const jemalloc_exporter::TlsConfig& config) try {
  Require(!config.cert.empty() && !config.key.empty());
  Require(config.min_version <= config.max_version);
  const jemalloc_exporter::TlsServerContext context(config);
} catch (const std::runtime_error& error) {
  RequireOneLine(error.what());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view yaml(reinterpret_cast<const char*>(data), size);
  // A path could name a file of this machine.
  if (yaml.find('/') != std::string_view::npos) return 0;
  const auto config = Parse(yaml);
  if (!config) return 0;
  for (const auto& [name, value] : config->headers) {
    RequireOneLine(name);
    RequireOneLine(value);
  }
  if (config->tls) CheckTls(*config->tls);
  return 0;
}

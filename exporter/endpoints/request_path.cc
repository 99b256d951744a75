#include "exporter/endpoints/request_path.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";

bool IsPathCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,;=:@/").find(c) !=
             std::string_view::npos;
}

bool IsPercentEncoded(std::string_view text) {
  return text.size() >= 3 && text[0] == '%' &&
         kHexDigits.find(text[1]) != std::string_view::npos &&
         kHexDigits.find(text[2]) != std::string_view::npos;
}

std::string PercentEncode(std::string_view path) {
  std::string encoded;
  for (const char c : path) {
    if (IsPathCharacter(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    encoded += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return encoded;
}

bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

// The part of the URL behind scheme and authority.
std::string_view BehindAuthority(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    const auto authority = url.find('/');
    return authority == std::string_view::npos ? "" : url.substr(authority);
  }
  return url;
}

}  // namespace

std::string CheckRequestPath(const std::string& path) {
  const std::string quoted = "'" + std::string(path) + "'";
  if (!path.starts_with('/')) return quoted + " does not begin with /";
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (IsPathCharacter(path[i]) || IsPercentEncoded(path.substr(i))) continue;
    return quoted + " is not a path that a client can request; the " +
           "percent-encoded form is '" + PercentEncode(path) + "'";
  }
  if (HasDotSegment(path)) {
    return quoted + " has a '.' or '..' segment, which clients remove";
  }
  return "";
}

std::string CheckExternalUrl(const std::string& url) {
  const std::string_view path = BehindAuthority(url);
  if (path.size() != url.size()) {
    const std::string_view authority(url.data(), url.size() - path.size());
    if (authority.ends_with("//") ||
        std::any_of(authority.begin(), authority.end(), [](char c) {
          return !IsPathCharacter(c) && c != '[' && c != ']';
        })) {
      return "'" + std::string(url) + "' has no valid host";
    }
  } else if (!path.empty() && !path.starts_with('/')) {
    return "'" + std::string(url) + "' is neither an http(s) URL nor a path";
  }
  return path.empty() ? "" : CheckRequestPath(std::string(path));
}

std::string_view UrlAuthority(std::string_view url) {
  url.remove_suffix(BehindAuthority(url).size());
  return url.substr(std::min(url.size(), url.rfind('/') + 1));
}

std::string RoutePrefix(std::string_view route_prefix,
                        std::string_view external_url) {
  std::string prefix(route_prefix.empty() ? BehindAuthority(external_url)
                                          : route_prefix);
  while (prefix.ends_with('/')) prefix.pop_back();
  prefix.erase(0, prefix.find_first_not_of('/'));
  return prefix.empty() ? "" : "/" + prefix;
}

std::string ExternalLandingPage(std::string_view external_url,
                                const std::string& route_prefix) {
  std::string url(external_url.empty() ? route_prefix : external_url);
  if (!url.ends_with('/')) url += '/';
  return url;
}

}  // namespace jemalloc_exporter

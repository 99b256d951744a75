#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_REQUEST_PATH_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_REQUEST_PATH_H_

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// Checks that a client can request `path`: it begins with `/` and consists of
/// the characters of an absolute-path (RFC 9110, 4.1), percent-encoded octets
/// included, without the segments `.` and `..`, which clients remove. Returns
/// an empty string, or one line with the reason.
std::string CheckRequestPath(const std::string& path);

/// Checks that `url` is an absolute http or https URL without query and
/// fragment, or a path. Returns an empty string, or one line with the reason.
std::string CheckExternalUrl(const std::string& url);

/// The host and port of an absolute URL; empty for a path.
std::string_view UrlAuthority(std::string_view url);

/// The prefix of all endpoints, without the final slash; empty for the root.
/// As in Prometheus, `route_prefix` defaults to the path of `external_url`.
std::string RoutePrefix(std::string_view route_prefix,
                        std::string_view external_url);

/// The URL of the landing page for clients, for a redirect. Relative to the
/// host if `external_url` is empty.
std::string ExternalLandingPage(std::string_view external_url,
                                const std::string& route_prefix);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_REQUEST_PATH_H_

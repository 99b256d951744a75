#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_FORM_QUERY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_FORM_QUERY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jemalloc_exporter {

/// The names and values of a query in application/x-www-form-urlencoded, in
/// order, decoded. Invalid percent-encoded sequences are kept as they are.
std::vector<std::pair<std::string, std::string>> ParseFormQuery(
    std::string_view query);

/// A decoded value in a message: one line of ASCII in quotation marks, with at
/// most 64 characters.
std::string Quoted(std::string_view value);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_FORM_QUERY_H_

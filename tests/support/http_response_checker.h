#ifndef JEMALLOC_EXPORTER_TESTS_STRICT_ANSWERS_H_
#define JEMALLOC_EXPORTER_TESTS_STRICT_ANSWERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

struct StrictAnswer {
  int status = 0;
  Headers headers;
  std::string body;
};

// Reads all that a server sent on one connection, which is nothing but answers
// of HTTP/1.1: each with a Date and the Content-Length that it has, none behind
// one that closes the connection. An error is plain text that no client may
// take for something else.
//
// Where a request `may_be_head`, an answer may go without its body.
//
// Throws std::invalid_argument for anything else.
std::vector<StrictAnswer> ReadAnswers(std::string_view bytes, bool may_be_head);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_STRICT_ANSWERS_H_

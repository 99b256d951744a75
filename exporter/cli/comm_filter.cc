#include "exporter/cli/comm_filter.h"

#include <regex.h>

#include <cstddef>
#include <memory>

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kMaxExpressionSize = 1024;

// Matching takes exponential time with these alone.
bool HasBackReference(const std::string& expression) {
  for (std::size_t i = 0; i + 1 < expression.size(); ++i) {
    if (expression[i] != '\\') continue;
    ++i;
    if (expression[i] >= '1' && expression[i] <= '9') return true;
  }
  return false;
}

// Null for an invalid expression.
std::shared_ptr<const regex_t> Compile(const std::string& expression,
                                       std::string* error) {
  auto regex = std::make_unique<regex_t>();
  const int code =
      regcomp(regex.get(), expression.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) {
    char text[256];
    regerror(code, regex.get(), text, sizeof(text));
    *error = std::string("invalid regular expression: ") + text;
    return nullptr;
  }
  return {regex.release(), [](regex_t* compiled) {
            regfree(compiled);
            delete compiled;
          }};
}

}  // namespace

std::function<bool(const std::string&)> CompileCommFilter(
    const std::string& expression, std::string* error) {
  if (expression.size() > kMaxExpressionSize) {
    *error = "the regular expression is longer than 1024 bytes";
    return {};
  }
  if (HasBackReference(expression)) {
    *error = "the regular expression has a back-reference";
    return {};
  }
  // `a)(b` is valid in parentheses only.
  if (Compile(expression, error) == nullptr) return {};
  const auto regex = Compile("^(" + expression + ")$", error);
  if (regex == nullptr) return {};
  return [regex](const std::string& comm) {
    return regexec(regex.get(), comm.c_str(), 0, nullptr, 0) == 0;
  };
}

}  // namespace jemalloc_exporter

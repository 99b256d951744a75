#include "collector/text/valid_utf8.h"

#include <nlohmann/json.hpp>

namespace jemalloc_exporter {

std::string ValidUtf8(const std::string& text) {
  using Json = nlohmann::json;
  const std::string valid =
      Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(valid).get<std::string>();
}

}  // namespace jemalloc_exporter

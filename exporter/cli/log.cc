#include "exporter/cli/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <string>

namespace jemalloc_exporter {
namespace {

LogFormat format = LogFormat::kLogfmt;

struct Level {
  std::string_view name;
  spdlog::level::level_enum spdlog;
};

Level Describe(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return {"debug", spdlog::level::debug};
    case LogLevel::kInfo:
      return {"info", spdlog::level::info};
    case LogLevel::kWarn:
      return {"warn", spdlog::level::warn};
    case LogLevel::kError:
      break;
  }
  return {"error", spdlog::level::err};
}

// A JSON string is also what logfmt readers take as a quoted value.
std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || text.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-._/:[]@+") != std::string_view::npos;
}

void Append(std::string& line, std::string_view key, std::string_view value) {
  if (format == LogFormat::kJson) {
    line.append(line.empty() ? "" : ",");
    line.append(Quoted(key)).append(":").append(Quoted(value));
  } else {
    line.append(line.empty() ? "" : " ").append(key).append("=");
    line.append(NeedsQuotes(value) ? Quoted(value) : value);
  }
}

spdlog::logger& Logger() {
  static const auto logger = spdlog::stderr_logger_mt("jemalloc_exporter");
  return *logger;
}

}  // namespace

void ConfigureLog(LogLevel level, LogFormat new_format) {
  format = new_format;
  Logger().set_level(Describe(level).spdlog);
  Logger().set_pattern(format == LogFormat::kJson
                           ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                           : "time=%Y-%m-%dT%H:%M:%S.%eZ %v",
                       spdlog::pattern_time_type::utc);
}

void Log(LogLevel level, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string_view>>
             fields) {
  const auto [name, spdlog_level] = Describe(level);
  std::string line;
  Append(line, "level", name);
  Append(line, "msg", message);
  for (const auto& [key, value] : fields) Append(line, key, value);
  Logger().log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace jemalloc_exporter

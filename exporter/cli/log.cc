#include "exporter/cli/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>
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

// The quoted values of logfmt are JSON strings.
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

std::string ToRecord(
    LogLevel level, std::string_view message,
    std::initializer_list<std::pair<std::string_view, std::string_view>>
        fields) {
  std::string record;
  Append(record, "level", Describe(level).name);
  Append(record, "msg", message);
  for (const auto& [key, value] : fields) Append(record, key, value);
  return record;
}

void Write(spdlog::level::level_enum level, const std::string& record) {
  Logger().log(level, spdlog::string_view_t(record.data(), record.size()));
}

void PrintLine(LogLevel level, std::string_view message) {
  if (format == LogFormat::kJson) {
    return Write(spdlog::level::critical, ToRecord(level, message, {}));
  }
  // One write(2): the command of `exec` has the same stderr.
  std::cerr << "jemalloc_exporter: " + std::string(message) + "\n";
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
  const auto spdlog_level = Describe(level).spdlog;
  if (!Logger().should_log(spdlog_level)) return;
  Write(spdlog_level, ToRecord(level, message, fields));
}

void PrintError(std::string_view message) {
  PrintLine(LogLevel::kError, message);
}

void PrintWarning(std::string_view message) {
  PrintLine(LogLevel::kWarn, message);
}

void PrintNotice(std::string_view message) {
  PrintLine(LogLevel::kInfo, message);
}

}  // namespace jemalloc_exporter

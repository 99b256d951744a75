#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_

#include <initializer_list>
#include <string_view>
#include <utility>

namespace jemalloc_exporter {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

/// Sets the format and the minimum level of the log. Not thread-safe: call
/// before starting threads.
void ConfigureLog(LogLevel level, LogFormat format);

/// Writes one line to stderr: time, level, message and fields, with the keys of
/// other exporters (`time`, `level`, `msg`, `err`). Control characters in
/// values are escaped. Thread-safe.
void Log(LogLevel level, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string_view>>
             fields = {});

/// Writes `jemalloc_exporter: message` to stderr, or with `LogFormat::kJson` a
/// record of level error, warn or info. Independent of the minimum level.
void PrintError(std::string_view message);
void PrintWarning(std::string_view message);
void PrintNotice(std::string_view message);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_

#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_

#include <initializer_list>
#include <string_view>
#include <utility>

namespace jemalloc_exporter {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

/// Lines below `level` are dropped from now on. Call before there are threads.
void ConfigureLog(LogLevel level, LogFormat format);

/// A line on stderr: time, level, message and fields, with the keys that other
/// exporters use (`time`, `level`, `msg`, `err`). Whatever a value holds, it
/// stays one line. Thread-safe.
void Log(LogLevel level, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string_view>>
             fields = {});

/// One line on stderr for the user of a command: `jemalloc_exporter: message`,
/// or with `LogFormat::kJson` a record of level error or warn. Printed at every
/// log level.
void PrintError(std::string_view message);
void PrintWarning(std::string_view message);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_

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

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_LOG_H_

#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CONFIG_FILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CONFIG_FILE_H_

#include <chrono>
#include <map>
#include <string>

namespace jemalloc_exporter {

/// Reads configuration files: the web configuration, certificates, keys.
/// Not thread-safe.
class ConfigFileReader {
 public:
  /// Limits of one file, in bytes, and of one pipe's end of file.
  static constexpr std::size_t kMaxSize = 1 << 20;
  static constexpr std::chrono::seconds kPipeTimeout{5};

  /// Returns the content of a regular file. An anonymous pipe, such as
  /// /dev/stdin or a shell's <(…), is read to its end once, and its content
  /// returned by every later call with this path. FIFOs, devices and sockets
  /// are not opened. An empty pipe is an error. Only a file system that does
  /// not respond makes this wait. Throws std::runtime_error with one line that
  /// names `path`.
  std::string Read(const std::string& path);

  /// Whether `Read` has read a pipe at `path`.
  bool IsPipe(const std::string& path) const { return pipes_.contains(path); }

 private:
  std::map<std::string, std::string> pipes_;  // Content by path.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CONFIG_FILE_H_

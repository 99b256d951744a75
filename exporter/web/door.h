#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "web/file_descriptor.h"
#include "web/transport.h"

namespace jemalloc_exporter {

enum class Admission {
  kGranted,
  kDenied,
  kUnknown,  ///< To find out takes time.
};

/// Names and values.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What stands between a server and its clients: by default nothing. What it
/// says may change at any time. Nothing here throws anything but
/// std::bad_alloc; all but `verify` is called by one thread at a time, and
/// returns at once.
struct Door {
  /// How bytes travel on a new connection.
  std::function<std::unique_ptr<Transport>(FileDescriptor)> transport =
      PlainTransport;

  /// Whether a request is answered whose header Authorization has this value;
  /// empty where it has none.
  std::function<Admission(const std::string& authorization)> judge =
      [](const std::string&) { return Admission::kGranted; };

  /// The same of a request on which `judge` has no opinion, whatever time that
  /// takes. On any thread, on several at once.
  std::function<bool(const std::string& authorization)> verify =
      [](const std::string&) { return false; };

  /// What every answer tells besides its own headers.
  std::function<Headers()> headers = [] { return Headers(); };
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_

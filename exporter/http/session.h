#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include "exporter/http/connection_table.h"
#include "exporter/http/dispatcher.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/server_options.h"
#include "exporter/http/task.h"

namespace jemalloc_exporter {

/// What all sessions of a server share; outlives them.
struct Sessions {
  const HttpServerOptions& options;
  boost::asio::io_context& io_context;
  ConnectionTable& table;
  Dispatcher& dispatcher;
  bool stopping = false;  ///< No further requests are read.
};

/// Serves an accepted connection, from its handshake to its end, where the
/// limits allow it. A lack of memory ends it. `peer` is used at once only.
DetachedTask ServeConnection(Sessions& server, FileDescriptor socket,
                             const sockaddr* peer);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_

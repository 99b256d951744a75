#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "exporter/http/file_descriptor.h"
#include "exporter/http/message.h"
#include "exporter/http/server_options.h"

namespace jemalloc_exporter {

/// An HTTP/1.1 server for a few resources: GET, HEAD and OPTIONS of exact
/// paths, which are compared as the client sent them, without the query.
///
/// One thread runs the event loop. Handlers run on a pool of threads that grows
/// only while they block, so that neither slow handlers nor slow, idle or
/// silent clients delay other requests: see `WorkerPool` and `ConnectionTable`.
///
/// Malformed requests (see `RequestParser`) and requests with a body are
/// rejected. After a 4xx the connection is closed. No response repeats input of
/// the client, except the path in a 500.
///
/// Its threads block all signals, and nothing of the process is changed: no
/// signal disposition, no locale, no output. After fork() the server exists in
/// the parent only; destroying the child's copy closes the child's copies of
/// the listening sockets and nothing else.
class HttpServer {
 public:
  explicit HttpServer(HttpServerOptions options = {});

  /// Closes the listening sockets, waits for the running handlers, sends their
  /// responses and closes all connections.
  ~HttpServer();

  /// Sets the resource at `path`: a fixed response, or a handler. Only handlers
  /// count for `max_requests`. Thread-safe.
  void AddStaticResponse(std::string path, Response response);
  void AddHandler(std::string path, Handler handler);

  /// The same with a handler that may block for minutes. Such handlers have
  /// threads of their own, at most `kMaxLongHandlers` at once, so that they
  /// leave `max_requests` to the others.
  void AddLongHandler(std::string path, Handler handler);

  /// Starts to serve on non-blocking listening sockets, such as those of
  /// `Listen`. To be called once. On failure returns false, and `*error` is one
  /// line.
  bool Start(std::vector<FileDescriptor> listeners, std::string* error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_H_

#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_SERVER_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "web/connections.h"
#include "web/door.h"
#include "web/file_descriptor.h"

namespace jemalloc_exporter {

/// What a handler may want to know of a request. A header that came several
/// times is joined by commas; one that did not come is empty.
struct Request {
  std::string accept = {};
  std::string accept_encoding = {};
  /// X-Prometheus-Scrape-Timeout-Seconds.
  std::string scrape_timeout = {};
  /// The query of the target, as sent, without the question mark.
  std::string query = {};
};

struct Response {
  int status = 200;
  std::string content_type = {};
  std::string body = {};
  /// Content-Length, Content-Type, Date and Connection come by themselves.
  Headers headers = {};
};

/// Returns the page of a path. May take its time, and may run on several
/// threads at once. What it throws becomes a 500 that tells the reason.
using Handler = std::function<Response(const Request&)>;

/// A page of plain text that says what went wrong.
Response ErrorPage(int status, std::string_view text);

struct HttpServerOptions {
  /// How many handlers may run at once; a request beyond them is answered with
  /// a 503 within milliseconds. 0 is no limit.
  unsigned max_requests = 40;

  ConnectionLimits connections = {};
  Door door = {};

  /// Called with the status of each answer, one after the other.
  std::function<void(int status)> on_answer = [](int) {};

  /// Called with one line on what an operator should know: a handler that
  /// threw, a lack of file descriptors or threads. From any thread.
  std::function<void(const std::string& line)> on_problem =
      [](const std::string&) {};
};

/// An HTTP/1.1 server for a few pages: GET and HEAD of exact paths, which are
/// compared as the client spelled them. A query is ignored.
///
/// No client, however slow or silent, holds up another, and no handler does for
/// more than a millisecond or two: see `Crew`. Who takes too long is cut off,
/// and who waits gives way to a newcomer: see `Connections`.
///
/// A request that is malformed (see `ParseRequestHead`) or has a body is
/// refused, and whoever is refused is dismissed: his connection is closed. No
/// answer repeats what the client sent. Of logins that take time to verify a
/// few at most may wait, others get a 503: they hold up nobody whose login is
/// known.
///
/// Our own, and not libmicrohttpd 0.9.75 or civetweb 1.15: measured, the first
/// answers a Content-Length that is no number with two heads, overlooks the end
/// of a client's sending, knows no deadline but one of silence, and refuses
/// with pages of HTML that have no type; the second starves with two idle
/// clients. This server has no body to read, and so needs little.
///
/// Its threads handle no signals, and nothing of the process is changed: no
/// signal disposition, no locale, no output. After fork() the child has no
/// server: its copy answers nothing, and destroying it only closes the child's
/// copies of the listening sockets.
class HttpServer {
 public:
  explicit HttpServer(HttpServerOptions options = {});

  /// Closes the listening sockets, waits for the handlers that run, sends their
  /// answers and closes all connections.
  ~HttpServer();

  /// What to answer at `path`, from now on: always the same, or what a handler
  /// returns. Only handlers count for `max_requests`. Thread-safe.
  void AddPage(std::string path, Response page);
  void AddHandler(std::string path, Handler handler);

  /// Starts to answer on sockets that listen and do not block, such as those of
  /// `Listen`. Once only. On failure returns false, and `error` holds one line.
  bool Start(std::vector<FileDescriptor> listeners, std::string* error);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_SERVER_H_

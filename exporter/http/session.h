#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "exporter/http/connection_table.h"
#include "exporter/http/dispatcher.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/request_parser.h"
#include "exporter/http/server_options.h"
#include "exporter/http/stream.h"
#include "exporter/http/task.h"

namespace jemalloc_exporter {

/// Reports that a descriptor, which it does not own, is readable or writable.
using Readiness = boost::asio::posix::basic_stream_descriptor<
    boost::asio::io_context::executor_type>;

/// One connection, from its handshake to its end.
class Session {
 public:
  /// What all sessions of a server share; outlives them.
  struct Server {
    const HttpServerOptions& options;
    boost::asio::io_context& context;
    ConnectionTable& table;
    Dispatcher& dispatcher;
    /// No further requests are read.
    bool stopping = false;
  };

  /// Throws std::bad_alloc or boost::system::system_error.
  Session(Server& server, FileDescriptor socket, const sockaddr* client);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves requests until the connection ends. Returns false where it ended
  /// early. Throws std::bad_alloc.
  Task<bool> Run();

 private:
  class Ready;
  class Yield;

  Task<bool> Handshake();
  Task<std::optional<HttpRequest>> ReadRequest();
  Task<bool> Write(std::string text);
  Task<bool> Close();

  IoResult ReadSome(RequestParser* parser) const;
  Task<bool> Await(IoResult result);
  void ReportHandshakeFailure() const;

  Server& server_;
  const FileDescriptor socket_;
  Readiness readiness_;  // Of the same socket.
  const std::unique_ptr<Stream> stream_;
  ConnectionTable::ConnectionState& state_;
  RequestParser parser_;
  unsigned steps_ = 0;  // Since the last suspension.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SESSION_H_

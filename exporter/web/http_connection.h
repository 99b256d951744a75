#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_CONNECTION_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "web/connections.h"
#include "web/exchange.h"
#include "web/transport.h"

namespace jemalloc_exporter {

/// One client: what has come from it, what is to go to it, and what the server
/// is at with it. For one thread.
class HttpConnection {
 public:
  enum class Stage {
    kReceiving,  ///< A request is awaited, or part of it has come.
    kWorking,    ///< The request is being worked on.
    kAnswered,   ///< There is an answer.
    kSending,    ///< The answer leaves.
    kLeaving,    ///< Nothing more is sent; the client is to close.
  };

  /// `kept` outlives this.
  HttpConnection(std::unique_ptr<Transport> transport,
                 Connections::Connection& kept)
      : transport_(std::move(transport)), kept_(kept) {}

  /// Takes what has come. `kSome`: there is a request, in `exchange`, or
  /// `bad_status` is what to refuse it with.
  Travel Receive();

  /// Whether part of a request has come.
  bool HasPart() const { return !received_.empty(); }

  /// Begins to send the answer that `exchange` has.
  void Begin(const std::string& date);

  /// Sends what is left of it. `kSome`: that was all, and the next stage is
  /// reached.
  Travel Send();

  /// Reads what still comes, so that the network does not take the last answer
  /// back for bytes that nobody has read.
  Travel Drain();

  Stage stage = Stage::kReceiving;
  Exchange exchange;
  int bad_status = 0;        ///< 0 of a good request.
  unsigned watched_for = 0;  ///< Events of epoll(7); 0 if it is not watched.

  Connections::Connection& kept() const { return kept_; }

 private:
  bool Parse();

  const std::unique_ptr<Transport> transport_;
  Connections::Connection& kept_;
  std::string received_;
  std::string to_send_;
  std::size_t sent_ = 0;
  bool keeps_ = false;  // The connection is to go on after that.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_CONNECTION_H_

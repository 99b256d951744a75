#include "exporter/http/session.h"

#include <array>
#include <boost/asio/post.hpp>
#include <coroutine>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/http/listen.h"
#include "exporter/http/request_parser.h"
#include "exporter/http/response_writer.h"
#include "exporter/http/stream.h"
#include "exporter/http/watched_descriptor.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kReadSize = 4096;

// Reads and writes in a row, about as many responses of a pipeline: where 100
// connections send pipelines, a request on another one waits for 400 responses.
constexpr unsigned kMaxSteps = 4;

// Of one connection.
class Session {
 public:
  Session(Sessions& server, FileDescriptor socket, const sockaddr* client)
      : server_(server),
        socket_(server.io_context, std::move(socket)),
        stream_(server.options.security.new_stream(socket_.native_handle())),
        state_(server.table.Add(socket_.native_handle(), client)) {}
  // A child of fork() may share the socket, so that closing it would not end
  // the connection.
  ~Session() {
    shutdown(socket_.native_handle(), SHUT_RDWR);
    server_.table.Remove(state_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ConnectionTable::ConnectionState& state() { return state_; }

  // Each attempt is to be repeated after a Wait for its result.

  IoResult Handshake() {
    std::string error;
    const IoResult result = stream_->Handshake(&error);
    if (!error.empty()) {
      sockaddr_storage peer{};
      socklen_t size = sizeof(peer);
      getpeername(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer),
                  &size);
      server_.options.on_handshake_failure("TLS handshake with " +
                                           AddressText(peer) + ": " + error);
    }
    return result;
  }

  // Parses what can be read; discards it where there is no `parser`.
  IoResult Read(RequestParser* parser) {
    std::array<char, kReadSize> chunk;
    std::size_t count = 0;
    const IoResult result = stream_->Read(chunk.data(), chunk.size(), &count);
    if (parser == nullptr) return result;
    parser->Append({chunk.data(), count});
    if (parser->has_partial()) server_.table.OnRequestStart(state_);
    return result;
  }

  // Removes from `rest` the part that could be written.
  IoResult Write(std::string_view& rest) {
    std::size_t count = 0;
    const IoResult result = stream_->Write(rest, &count);
    rest.remove_prefix(count);
    return result;
  }

  void ShutdownWrite() { stream_->ShutdownWrite(); }

  // Waits until an operation with this result can be continued. The result is
  // false where the connection has ended. Lets other connections proceed.
  class Wait {
   public:
    Wait(Session& session, IoResult result)
        : session_(session), result_(result) {}

    bool await_ready() noexcept {
      return result_ == IoResult::kClosed ||
             (result_ == IoResult::kProgress && ++session_.steps_ < kMaxSteps);
    }
    void await_suspend(std::coroutine_handle<> waiter) {
      session_.steps_ = 0;
      const auto resume = [this,
                           waiter](const boost::system::error_code& error) {
        if (error) result_ = IoResult::kClosed;
        waiter.resume();
      };
      if (result_ == IoResult::kProgress) {
        boost::asio::post(session_.server_.io_context,
                          [resume] { resume({}); });
      } else {
        session_.socket_.async_wait(result_ == IoResult::kWantWrite
                                        ? WatchedDescriptor::wait_write
                                        : WatchedDescriptor::wait_read,
                                    resume);
      }
    }
    bool await_resume() const noexcept { return result_ != IoResult::kClosed; }

   private:
    Session& session_;
    IoResult result_;
  };

 private:
  Sessions& server_;
  WatchedDescriptor socket_;
  const std::unique_ptr<Stream> stream_;
  ConnectionTable::ConnectionState& state_;
  unsigned steps_ = 0;  // Since the last suspension.
};

}  // namespace

DetachedTask ServeConnection(Sessions& server, FileDescriptor socket,
                             const sockaddr* peer) {
  if (!server.table.EvictForNew(peer)) co_return;
  const ServerSecurity& security = server.options.security;
  Session session(server, std::move(socket), peer);
  bool connected = true;
  for (auto result = IoResult::kWantRead; result != IoResult::kProgress;) {
    result = session.Handshake();
    connected = co_await Session::Wait(session, result);
    if (!connected) co_return;
  }

  RequestParser parser;
  for (bool keep_alive = true; keep_alive;) {
    std::optional<HttpRequest> request;
    while (!server.stopping && !(request = parser.Next())) {
      connected = co_await Session::Wait(session, session.Read(&parser));
      if (!connected) co_return;
    }
    if (!request) co_return;

    server.table.OnDispatch(session.state());
    request->fields.socket = session.state().socket;
    Dispatcher& dispatcher = server.dispatcher;
    const std::string& client = session.state().client;
    AuthResult auth = security.check_credentials(request->authorization);
    if (auth == AuthResult::kPending) {
      if (const auto login = dispatcher.FindLogin(*request, client)) {
        const auto verify = [&] { dispatcher.Verify(*login); };
        WorkerPool::Job job(dispatcher.verifier(), std::cref(verify));
        co_await job;
        auth = login->result;
      }
    }
    const auto route = dispatcher.FindRoute(*request);
    auto response = RespondWithoutHandler(*request, auth, route.get());
    if (!response) {
      const auto run = [&] {
        response = dispatcher.CallHandler(*request, *route);
      };
      WorkerPool::Job job(dispatcher.PoolOf(*route), std::cref(run));
      const bool ran = co_await job;
      if (!ran) response = dispatcher.TooManyRequests(*route);
    }
    std::ranges::move(security.headers(),
                      std::back_inserter(response->headers));
    server.options.on_response(request->method, request->path, response->status,
                               client);

    server.table.OnResponseStart(session.state());
    keep_alive = ShouldKeepAlive(*request, *response);
    const std::string text =
        SerializeResponse(*request, *response, std::time(nullptr));
    for (std::string_view rest = text; !rest.empty();) {
      connected = co_await Session::Wait(session, session.Write(rest));
      if (!connected) co_return;
    }
    if (keep_alive) server.table.OnIdle(session.state());
  }

  // Reads the rest: closing a socket with unread bytes would reset the
  // connection, and the client might lose the response.
  server.table.OnClosing(session.state());
  session.ShutdownWrite();
  while (connected) {
    connected = co_await Session::Wait(session, session.Read(nullptr));
  }
}

}  // namespace jemalloc_exporter

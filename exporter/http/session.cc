#include "exporter/http/session.h"

#include <array>
#include <boost/asio/post.hpp>
#include <coroutine>
#include <ctime>
#include <string_view>
#include <utility>

#include "exporter/http/listen.h"
#include "exporter/http/response_writer.h"

namespace jemalloc_exporter {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadSize = 4096;

// Reads and writes in a row, about as many responses of a pipeline: where 100
// connections send pipelines, a request on another one waits for 400 responses.
constexpr unsigned kMaxSteps = 4;

}  // namespace

// Waits until the socket is readable or writable; the result is false where
// that cannot be known.
class Session::Ready {
 public:
  Ready(Readiness& socket, IoResult want)
      : socket_(socket),
        event_(want == IoResult::kWantWrite ? Readiness::wait_write
                                            : Readiness::wait_read) {}

  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    socket_.async_wait(event_,
                       [this, waiter](const boost::system::error_code& error) {
                         succeeded_ = !error;
                         waiter.resume();
                       });
  }
  bool await_resume() const noexcept { return succeeded_; }

 private:
  Readiness& socket_;
  const Readiness::wait_type event_;
  bool succeeded_ = false;
};

// Lets other connections proceed.
class Session::Yield {
 public:
  explicit Yield(asio::io_context& context) : context_(context) {}

  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    asio::post(context_, [waiter] { waiter.resume(); });
  }
  static void await_resume() noexcept {}

 private:
  asio::io_context& context_;
};

Session::Session(Server& server, FileDescriptor socket, const sockaddr* client)
    : server_(server),
      socket_(std::move(socket)),
      readiness_(server.context),
      stream_(server.options.security.new_stream(socket_.get())),
      state_(server.table.Add(socket_.get(), client)) {
  try {
    readiness_.assign(socket_.get());
  } catch (...) {
    server_.table.Remove(state_);
    throw;
  }
}

// A child of fork() may share the socket, so that closing it would neither end
// the connection nor its registration.
Session::~Session() {
  if (readiness_.is_open()) readiness_.release();
  shutdown(socket_.get(), SHUT_RDWR);
  server_.table.Remove(state_);
}

Task<bool> Session::Run() {
  const bool secured = co_await Handshake();
  if (!secured) co_return false;
  bool keep_alive = true;
  while (keep_alive) {
    const std::optional<HttpRequest> request = co_await ReadRequest();
    if (!request) co_return false;
    server_.table.OnDispatch(state_);
    const Response response =
        co_await server_.dispatcher.Respond(*request, state_.client);
    server_.table.OnResponseStart(state_);
    keep_alive = ShouldKeepAlive(*request, response);
    const bool written = co_await Write(
        SerializeResponse(*request, response, std::time(nullptr)));
    if (!written) co_return false;
    if (keep_alive) server_.table.OnIdle(state_);
  }
  co_return co_await Close();
}

Task<bool> Session::Handshake() {
  for (;;) {
    const IoResult result = stream_->Handshake();
    if (result == IoResult::kProgress) co_return true;
    if (result == IoResult::kClosed) {
      ReportHandshakeFailure();
      co_return false;
    }
    const bool proceeds = co_await Await(result);
    if (!proceeds) co_return false;
  }
}

Task<std::optional<HttpRequest>> Session::ReadRequest() {
  while (!server_.stopping) {
    auto request = parser_.Next();
    if (request) co_return request;
    const IoResult result = ReadSome(&parser_);
    if (parser_.has_partial()) server_.table.OnRequestStart(state_);
    const bool proceeds = co_await Await(result);
    if (!proceeds) break;
  }
  co_return std::nullopt;
}

Task<bool> Session::Write(std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t count = 0;
    const IoResult result = stream_->Write(rest, &count);
    rest.remove_prefix(count);
    const bool proceeds = co_await Await(result);
    if (!proceeds) co_return false;
  }
  co_return true;
}

// Reads the rest: closing a socket with unread bytes would reset the
// connection, and the client might lose the response.
Task<bool> Session::Close() {
  server_.table.OnClosing(state_);
  stream_->ShutdownWrite();
  for (;;) {
    const bool proceeds = co_await Await(ReadSome(nullptr));
    if (!proceeds) co_return true;
  }
}

// Not a coroutine, whose frame would hold the chunk.
IoResult Session::ReadSome(RequestParser* parser) const {
  std::array<char, kReadSize> chunk;
  std::size_t count = 0;
  const IoResult result = stream_->Read(chunk.data(), chunk.size(), &count);
  if (parser != nullptr) parser->Append({chunk.data(), count});
  return result;
}

// Until the operation that returned `result` can be retried; false: never.
Task<bool> Session::Await(IoResult result) {
  if (result == IoResult::kClosed) co_return false;
  if (result == IoResult::kProgress) {
    if (++steps_ < kMaxSteps) co_return true;
    steps_ = 0;
    co_await Yield(server_.context);
    co_return true;
  }
  steps_ = 0;
  co_return co_await Ready(readiness_, result);
}

void Session::ReportHandshakeFailure() const {
  const std::string reason = stream_->handshake_error();
  if (reason.empty()) return;
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size);
  server_.options.security.on_handshake_failure(
      "TLS handshake with " + AddressText(peer) + ": " + reason);
}

}  // namespace jemalloc_exporter

#include "web/http_connection.h"

#include <array>
#include <string_view>
#include <variant>

#include "web/request_head.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kChunk = 4096;

}  // namespace

Travel HttpConnection::Receive() {
  while (!Parse()) {
    std::array<char, kChunk> chunk;
    std::size_t count = 0;
    const Travel travel =
        transport_->Receive(chunk.data(), chunk.size(), &count);
    if (travel != Travel::kSome) return travel;
    received_.append(chunk.data(), count);
  }
  return Travel::kSome;
}

bool HttpConnection::Parse() {
  const auto parsed = ParseRequestHead(received_);
  if (std::holds_alternative<Incomplete>(parsed)) return false;
  if (const auto* const bad = std::get_if<BadRequest>(&parsed)) {
    bad_status = bad->status;
    exchange = Exchange();
  } else {
    exchange = Exchange(std::get<RequestHead>(parsed));
    received_.erase(0, HeadSize(received_));
  }
  exchange.socket = kept_.socket;
  exchange.client = kept_.client;
  return true;
}

void HttpConnection::Begin(const std::string& date) {
  stage = Stage::kSending;
  to_send_ = WriteAnswer(exchange, date);
  sent_ = 0;
  keeps_ = KeepsConnection(exchange);
  exchange = Exchange();
}

Travel HttpConnection::Send() {
  const std::string_view all = to_send_;
  while (sent_ < all.size()) {
    std::size_t count = 0;
    const Travel travel = transport_->Send(all.substr(sent_), &count);
    if (travel != Travel::kSome) return travel;
    sent_ += count;
  }
  to_send_ = {};
  stage = keeps_ ? Stage::kReceiving : Stage::kLeaving;
  if (!keeps_) transport_->EndSending();
  return Travel::kSome;
}

Travel HttpConnection::Drain() {
  std::array<char, kChunk> chunk;
  std::size_t count = 0;
  return transport_->Receive(chunk.data(), chunk.size(), &count);
}

}  // namespace jemalloc_exporter

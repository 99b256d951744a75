// A program that uses a Boost of its own, of another version than the server.
#include <jemalloc_exporter/server.h>
#include <prometheus/metric_family.h>

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <boost/version.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

class OneGauge final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::ClientMetric metric;
    metric.gauge.value = 1;
    prometheus::MetricFamily family;
    family.name = "g";
    family.type = prometheus::MetricType::Gauge;
    family.metric = {metric};
    return {family};
  }
};

std::string Scrape(int port) {
  asio::io_context context;
  boost::beast::tcp_stream stream(context);
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(),
                                       static_cast<unsigned short>(port));
  std::string body;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await stream.async_connect(server, asio::use_awaitable);
        http::request<http::empty_body> request(http::verb::get, "/metrics",
                                                11);
        request.set(http::field::host, "localhost");
        co_await http::async_write(stream, request, asio::use_awaitable);
        boost::beast::flat_buffer buffer;
        http::response<http::string_body> response;
        co_await http::async_read(stream, buffer, response,
                                  asio::use_awaitable);
        body = response.body();
      },
      asio::detached);
  context.run();
  return body;
}

}  // namespace

int main() {
  jemalloc_exporter::Server server("127.0.0.1:0");
  const auto gauge = std::make_shared<OneGauge>();
  server.RegisterCollectable(gauge);
  std::cout << "Boost " << BOOST_LIB_VERSION << '\n';
  for (int i = 0; i < 100; ++i) {
    const std::string body = Scrape(server.GetListeningPorts().front());
    if (body != "# TYPE g gauge\ng 1\n") return 1;
  }
  std::cout << "100 scrapes\n";
}

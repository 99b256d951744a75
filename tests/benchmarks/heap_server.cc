// The heap of this process behind one of two servers, for scrapes_benchmark:
// `heap_server ours|exposer five|all`. Prints its port; ends with stdin.

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "jemalloc_exporter/heap_collectable.h"
#include "jemalloc_exporter/server.h"

// One arena, as in the exporter: with more of them, a snapshot costs more than
// a server.
extern "C" {
const char* malloc_conf = "narenas:1";
}

namespace {

// The gauges of `HeapState` alone: a server's share of the time is smaller with
// the statistics, whose locks take about a hundred reads.
class FiveGauges final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::uint64_t epoch = 1;
    mallctl_("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    std::vector<prometheus::MetricFamily> families;
    for (const auto& field : jemalloc_exporter::kHeapFields) {
      prometheus::ClientMetric metric;
      metric.gauge.value = static_cast<double>(
          field.type == jemalloc_exporter::MallctlType::kUnsigned
              ? Read<unsigned>(field.mallctl)
              : Read<std::size_t>(field.mallctl));
      families.push_back({std::string(field.metric),
                          std::string(field.help),
                          prometheus::MetricType::Gauge,
                          {metric}});
    }
    return families;
  }

 private:
  template <typename T>
  T Read(const char* name) const {
    T value = 0;
    std::size_t size = sizeof(value);
    mallctl_(name, &value, &size, nullptr, 0);
    return value;
  }

  jemalloc_exporter::Mallctl* const mallctl_ = jemalloc_exporter::FindMallctl();
};

template <typename AnyServer>
void Serve(const std::shared_ptr<prometheus::Collectable>& heap) {
  AnyServer server("127.0.0.1:0");
  server.RegisterCollectable(heap);
  std::cout << server.GetListeningPorts().front() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view server = argc == 3 ? argv[1] : "";
  const std::string_view series = argc == 3 ? argv[2] : "";
  std::shared_ptr<prometheus::Collectable> heap;
  if (series == "five") heap = std::make_shared<FiveGauges>();
  if (series == "all") {
    heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
  }
  if (heap && server == "ours") {
    Serve<jemalloc_exporter::Server>(heap);
  } else if (heap && server == "exposer") {
    Serve<prometheus::Exposer>(heap);
  } else {
    std::cerr << "usage: heap_server ours|exposer five|all\n";
    return 2;
  }
}

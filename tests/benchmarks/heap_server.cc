// The heap of this process behind one of two servers, for scrapes_benchmark:
// `heap_server ours` or `heap_server exposer`. Prints its port; ends with
// stdin.

#include <prometheus/exposer.h>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_collectable.h"
#include "jemalloc_exporter/server.h"

// One arena, as in the exporter: with more of them, a snapshot costs more than
// a server.
extern "C" {
const char* malloc_conf = "narenas:1";
}

namespace {

template <typename AnyServer>
void Serve() {
  AnyServer server("127.0.0.1:0");
  const auto heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
  server.RegisterCollectable(heap);
  std::cout << server.GetListeningPorts().front() << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view which = argc == 2 ? argv[1] : "";
  if (which == "ours") {
    Serve<jemalloc_exporter::Server>();
  } else if (which == "exposer") {
    Serve<prometheus::Exposer>();
  } else {
    std::cerr << "usage: heap_server ours|exposer\n";
    return 2;
  }
}

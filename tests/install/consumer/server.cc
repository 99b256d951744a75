#include <jemalloc_exporter/heap_collectable.h>
#include <jemalloc_exporter/server.h>

#include <iostream>
#include <memory>

int main() {
  jemalloc_exporter::Server server("127.0.0.1:0");  // any free port
  if (!server.ok()) {
    std::cerr << server.error() << '\n';
    return 1;
  }
  const auto heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
  server.RegisterCollectable(heap);

  std::cout << "http://127.0.0.1:" << server.GetListeningPorts().front()
            << "/metrics" << std::endl;
  std::cin.get();  // serves until Enter
}

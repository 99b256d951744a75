#include <jemalloc_exporter/heap_collectable.h>
#include <prometheus/exposer.h>

#include <iostream>
#include <memory>

int main() {
  prometheus::Exposer exposer("127.0.0.1:0");  // any free port
  const auto heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
  exposer.RegisterCollectable(heap);

  std::cout << "http://127.0.0.1:" << exposer.GetListeningPorts().front()
            << "/metrics" << std::endl;
  std::cin.get();  // serves until Enter
}

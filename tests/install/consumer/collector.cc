#include <jemalloc_exporter/heap_reader.h>
#include <jemalloc_exporter/heap_serialization.h>

#include <iostream>

int main() {
  std::cout << jemalloc_exporter::ToText(
      jemalloc_exporter::ReadHeap().visible_state());
}

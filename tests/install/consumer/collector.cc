#include <jemalloc_exporter/heap_serialization.h>
#include <jemalloc_exporter/heap_reader.h>

#include <iostream>

int main() {
  std::cout << jemalloc_exporter::ToText(
      jemalloc_exporter::ReadHeap().published());
}

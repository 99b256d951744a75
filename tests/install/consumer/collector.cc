#include <jemalloc_exporter/heap_format.h>
#include <jemalloc_exporter/heap_reader.h>

#include <iostream>

int main() {
  std::cout << jemalloc_exporter::ToHuman(
      jemalloc_exporter::ReadHeap().published());
}

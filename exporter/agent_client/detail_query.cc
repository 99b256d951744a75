#include "exporter/agent_client/detail_query.h"

#include <memory>

namespace jemalloc_exporter {

void DetailQuery::RemoveOthers(Process& process) const {
  const HeapDetailSets requested = SetsOf(process.comm);
  const auto remove = [&](std::shared_ptr<const HeapDetails>& details) {
    if (!details || (details->sets & requested) == details->sets) return;
    const auto rest = std::make_shared<HeapDetails>(*details);
    rest->sets = rest->sets & requested;
    details = rest->sets.any() ? rest : nullptr;
  };
  remove(process.details);
  for (ProcessHeap& heap : process.heaps) remove(heap.details);
}

}  // namespace jemalloc_exporter

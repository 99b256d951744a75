#include "jemalloc_exporter/heap_expectation.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace jemalloc_exporter {

bool HeapExpectation::Begin() {
  if (begun_) return false;
  begun_ = true;
  before_ = ReadThreadAllocationCounters(mallctl_);
  return true;
}

void HeapExpectation::End() {
  const auto after = ReadThreadAllocationCounters(mallctl_);
  if (!before_ || !after) return;
  const std::uint64_t allocated = after->allocated - before_->allocated;
  const std::uint64_t freed = after->deallocated - before_->deallocated;
  const auto [less, more] = std::minmax(allocated, freed);
  if (more - less <= tolerance_) return;
  ADD_FAILURE_AT(file_, line_)
      << "The heap is not stable: this thread allocated " << allocated
      << " bytes and freed " << freed << ", " << more - less
      << " bytes apart; tolerated are " << tolerance_ << ".";
}

}  // namespace jemalloc_exporter

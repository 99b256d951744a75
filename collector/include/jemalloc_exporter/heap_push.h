#ifndef JEMALLOC_EXPORTER_HEAP_PUSH_H_
#define JEMALLOC_EXPORTER_HEAP_PUSH_H_

#include <prometheus/collectable.h>

#include <memory>

namespace jemalloc_exporter {

/// Pushes metrics to a Prometheus Pushgateway when all of this process's
/// GoogleTest tests are over, if the environment variable
/// `JEMALLOC_EXPORTER_TEST_PUSH_URL` (`http://HOST:PORT`, credentials and a
/// path prefix as in any URL) names one; unset or empty, nothing happens. One
/// line adds it:
///
///     jemalloc_exporter::PushAtEnd(jemalloc_exporter::HeapListener::Install());
///
/// The group is `job="PROGRAM"` and, for a shard, `shard="INDEX"`; what the
/// group held before is replaced. A push that fails, or takes longer than five
/// seconds, is one line on stderr and fails no test. The processes that death
/// tests start, and other forked children, push nothing.
void PushAtEnd(std::shared_ptr<prometheus::Collectable> metrics);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_PUSH_H_

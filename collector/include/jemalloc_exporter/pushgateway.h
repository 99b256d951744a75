#ifndef JEMALLOC_EXPORTER_PUSHGATEWAY_H_
#define JEMALLOC_EXPORTER_PUSHGATEWAY_H_

#include <prometheus/collectable.h>

#include <memory>

namespace jemalloc_exporter {

/// Pushes metrics to a Prometheus Pushgateway when all of this process's
/// GoogleTest tests are over, if the environment variable
/// `JEMALLOC_EXPORTER_TEST_PUSH_URL` (`http://HOST:PORT`, credentials and a
/// path prefix as in any URL) names one; unset or empty, nothing happens. One
/// line adds it:
///
///     jemalloc_exporter::InstallPushgatewayListener(jemalloc_exporter::HeapListener::Install());
///
/// The group is `job="PROGRAM"`; for a shard also `shard="INDEX"`; with a
/// filter other than `*`, as where CTest runs a program once for each test,
/// also `filter="FILTER"`. The previous content of the group is replaced.
///
/// A push that fails, gets a status other than 2xx, or gets no response within
/// 5 s, is one line on stderr and fails no test; credentials in the URL are
/// left out of it. The push runs in the calling thread: none outlives `main`.
/// Only the resolution of the host's name can exceed the 5 s (see
/// resolv.conf(5)). Proxies are those of curl's environment variables. The
/// processes that death tests start, and other forked children, push nothing.
void InstallPushgatewayListener(
    std::shared_ptr<prometheus::Collectable> metrics);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_PUSHGATEWAY_H_

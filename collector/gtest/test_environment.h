#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_ENVIRONMENT_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_ENVIRONMENT_H_

#include <prometheus/labels.h>

#include <string>

namespace jemalloc_exporter {

/// This program's name, `cache_test`, as valid UTF-8.
std::string ProgramName();

/// Distinguishes this process's metrics from those of other test processes once
/// it has ended: its name as `program`; of one of several shards its number as
/// `shard`; GoogleTest's filter, if it excludes tests, as `filter`.
prometheus::Labels TestProcessLabels();

/// The path of the report (see heap_listener.h); empty if none is requested. In
/// a folder, another path on each call.
std::string ReportPath();

/// The path of the textfile; empty if none is requested.
std::string TextfilePath();

/// Writes one line to stderr, in one call.
void PrintListenerError(const std::string& what);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_ENVIRONMENT_H_

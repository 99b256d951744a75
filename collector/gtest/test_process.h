#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_PROCESS_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_PROCESS_H_

#include <prometheus/labels.h>

#include <string>

namespace jemalloc_exporter {

/// This program's name, `cache_test`, as valid UTF-8.
std::string ProgramName();

/// Distinguishes this process's metrics from those of other test processes once
/// it has ended: its name as `program`; of one of several shards its number as
/// `shard`; GoogleTest's filter, if it excludes tests, as `filter`.
prometheus::Labels TestProcessLabels();

/// Where the report belongs (see heap_listener.h); empty for nowhere. Another
/// path on each call where a folder is asked for.
std::string ReportPath();

/// Where the text file belongs; empty for nowhere.
std::string TextfilePath();

/// One line on stderr, in one piece.
void Complain(const std::string& what);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_PROCESS_H_

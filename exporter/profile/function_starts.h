#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FUNCTION_STARTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FUNCTION_STARTS_H_

#include <cstdint>
#include <vector>

#include "exporter/attach/elf_file.h"

namespace jemalloc_exporter {

/// The addresses in the file at which its functions start, ascending; empty
/// without a table in .eh_frame_hdr (see the Linux Standard Base) in the format
/// that linkers write. It remains in a stripped file. Untrusted input.
std::vector<std::uint64_t> ReadFunctionStarts(const ElfFile& file);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FUNCTION_STARTS_H_

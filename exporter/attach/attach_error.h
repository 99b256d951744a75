#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_ERROR_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_ERROR_H_

#include <stdexcept>

namespace jemalloc_exporter {

/// A process was not read, or the agent not loaded. what() is one line that
/// begins with the pid and the name of the process. Unless it states otherwise,
/// the process is unchanged.
class AttachError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_ERROR_H_

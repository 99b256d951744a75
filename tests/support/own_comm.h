#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_OWN_COMM_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_OWN_COMM_H_

#include <sys/prctl.h>

#include <array>
#include <string>

namespace jemalloc_exporter {

// The name of this thread, by prctl(2): the first 15 bytes of the program's.
inline std::string OwnComm() {
  std::array<char, 16> name{};
  prctl(PR_GET_NAME, name.data());
  return name.data();
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_OWN_COMM_H_

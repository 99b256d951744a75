#include "exporter/cli/all_namespaces.h"

#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "exporter/cli/log.h"
#include "exporter/connector/capabilities.h"

namespace jemalloc_exporter {
namespace {

std::unique_ptr<Connector> Start(
    const std::function<void(const std::string&)>& on_end) {
  try {
    return std::make_unique<Connector>(on_end);
  } catch (const std::runtime_error& error) {
    on_end(error.what());
    return nullptr;
  }
}

// In one line; empty where nothing is missing.
std::string Limitation(const Connector& connector) {
  std::string limitation = connector.limitation();
  if (access("/proc/1/stat", R_OK) != 0) {
    if (!limitation.empty()) limitation += "; ";
    limitation +=
        "/proc hides processes of other users (hidepid): no RSS, start time "
        "and container of theirs";
  }
  return limitation;
}

}  // namespace

std::unique_ptr<Connector> StartConnectorOfServer() {
  auto connector = Start([](const std::string& problem) {
    Log(LogLevel::kError,
        "Connector ended; agents of other network namespaces are not served",
        {{"err", problem}});
  });
  DropPrivileges();
  if (!connector) return nullptr;
  if (const std::string limitation = Limitation(*connector);
      !limitation.empty()) {
    Log(LogLevel::kWarn, "Not all network namespaces are served",
        {{"err", limitation}});
  }
  return connector;
}

std::unique_ptr<Connector> StartConnectorOfCommand() {
  auto connector = Start([](const std::string& problem) {
    PrintError("connector ended: " + problem);
  });
  if (!connector) return nullptr;
  if (const std::string limitation = Limitation(*connector);
      !limitation.empty()) {
    PrintWarning("not all network namespaces are served: " + limitation);
  }
  return connector;
}

}  // namespace jemalloc_exporter

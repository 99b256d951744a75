#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_LIVE_WEB_CONFIG_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_LIVE_WEB_CONFIG_H_

#include <filesystem>
#include <functional>
#include <string>

#include "web/door.h"

namespace jemalloc_exporter {

/// The door that the web configuration at `path` describes, for as long as it
/// is used: the file and those that it names are read again when somebody
/// knocks and a second has passed since. A version that is broken changes
/// nothing; nor does one that would turn TLS on or off, which takes a restart.
///
/// `on_reload` is called for each new version: with an empty line, or with one
/// that says why it is not taken. Throws std::runtime_error, with one line, if
/// the first version is broken.
Door OpenDoor(const std::filesystem::path& path,
              std::function<void(const std::string& problem)> on_reload);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_LIVE_WEB_CONFIG_H_

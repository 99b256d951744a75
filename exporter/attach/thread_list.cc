#include "exporter/attach/thread_list.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "exporter/attach/target_process.h"
#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

// 0 for a text that does not begin with a number.
pid_t ToId(std::string_view text) {
  pid_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

std::string TaskFolder(pid_t pid) {
  return "/proc/" + std::to_string(pid) + "/task";
}

}  // namespace

std::vector<pid_t> ListThreads(pid_t pid) {
  std::vector<pid_t> threads;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(
      opendir(TaskFolder(pid).c_str()), closedir);
  while (const dirent* const entry =
             listing ? readdir(listing.get()) : nullptr) {
    const pid_t thread = ToId(entry->d_name);
    if (thread > 0) threads.push_back(thread);
  }
  std::stable_partition(threads.begin(), threads.end(),
                        [&](pid_t thread) { return thread == pid; });
  return threads;
}

std::string ReadThreadFile(pid_t pid, pid_t thread, std::string_view name) {
  return ReadProcFile(TaskFolder(pid) + "/" + std::to_string(thread) + "/" +
                      std::string(name));
}

std::string ReadThreadName(pid_t pid, pid_t thread) {
  std::string name = ReadThreadFile(pid, thread, "comm");
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

pid_t NamespaceId(std::string_view status) {
  const std::string_view ids = StatusField(status, "NSpid");
  const auto last = ids.rfind('\t');
  return ToId(last == std::string_view::npos ? ids : ids.substr(last + 1));
}

}  // namespace jemalloc_exporter

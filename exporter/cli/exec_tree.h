#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_TREE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_TREE_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <vector>

namespace jemalloc_exporter {

/// The processes that one `exec` started: the command, its descendants, and
/// daemons that left their parent.
///
/// Ancestry does not show the daemons, and their environment is often
/// overwritten by a process title. So the tree is marked by the soft limit
/// RLIMIT_LOCKS: it is inherited over fork(2) and execve(2), readable by every
/// user in /proc/PID/limits, and not enforced since Linux 2.4.25.
class ExecTree {
 public:
  /// Marks this process and all that it starts afterwards. If the limit cannot
  /// be set, `Contains` depends on ancestry alone.
  static ExecTree MarkThisProcess();

  /// The command.
  void set_root(pid_t root) { root_ = root; }
  pid_t root() const { return root_; }

  /// Thread-safe. False if there is no such process.
  bool Contains(pid_t pid) const;

  /// Running processes of the tree other than this one.
  std::vector<pid_t> Running() const;

 private:
  explicit ExecTree(rlim_t mark) : mark_(mark) {}
  bool IsMarked(pid_t pid) const;

  pid_t root_ = -1;
  rlim_t mark_;  // 0: not marked.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_TREE_H_

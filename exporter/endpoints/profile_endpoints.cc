#include "exporter/endpoints/profile_endpoints.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/profile_reader.h"
#include "exporter/endpoints/child_process.h"
#include "exporter/endpoints/form_query.h"
#include "exporter/endpoints/request_path.h"
#include "exporter/process/proc_stat.h"
#include "exporter/profile/exit_status.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxBytes = std::size_t{32} << 20;

// For the symbols: more than the command itself allows.
constexpr seconds kSymbolTime{35};

std::string Named(pid_t pid) { return "process " + std::to_string(pid); }

std::string Filename(const std::string& comm, pid_t pid,
                     std::string_view suffix) {
  std::string name = comm;
  std::ranges::replace_if(
      name,
      [](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                 (c >= 'a' && c <= 'z') || c == '-' || c == '_');
      },
      '_');
  return name + "-" + std::to_string(pid) + std::string(suffix);
}

Response Success(const ProfileFormatName& format, const std::string& comm,
                 pid_t pid) {
  Response response{.content_type = std::string(format.content_type)};
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  if (format.file_suffix.empty()) {
    // Names of functions are the process's. Nothing else is loaded.
    response.headers.emplace_back(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  } else {
    response.headers.emplace_back("Content-Disposition",
                                  "attachment; filename=\"" +
                                      Filename(comm, pid, format.file_suffix) +
                                      "\"");
  }
  return response;
}

// The line that the command printed.
std::string ErrorLine(std::string_view text) {
  constexpr std::string_view kProgram = "jemalloc_exporter: ";
  if (text.starts_with(kProgram)) text.remove_prefix(kProgram.size());
  text = text.substr(0, text.find('\n'));
  return text.empty() ? "the profile could not be read" : std::string(text);
}

Response Failure(const ChildResult& result, pid_t pid) {
  using End = ChildResult::End;
  switch (result.end) {
    case End::kDeadline:
      return ErrorResponse(504, Named(pid) + ": no heap profile in time");
    case End::kTooMuchOutput:
      return ErrorResponse(500, "the profile has more than 32 MiB");
    case End::kAbandoned:
      return ProfileRuns::Ending();
    case End::kKilled:
      return ErrorResponse(500, "reading the symbols failed; try symbols=0");
    case End::kExited:
      break;
  }
  const int status = result.exit_status == kNoProfile         ? 404
                     : result.exit_status == kNoProfileInTime ? 504
                                                              : 500;
  return ErrorResponse(status, ErrorLine(result.error));
}

std::string ListOf(const std::vector<Process>& processes) {
  constexpr std::size_t kMaxListed = 20;
  std::string list;
  for (std::size_t i = 0; i < processes.size() && i < kMaxListed; ++i) {
    list += (i == 0 ? "" : ", ") + std::to_string(processes[i].pid) + " (" +
            processes[i].comm + ")";
  }
  return list + (processes.size() > kMaxListed ? ", ..." : "");
}

// The unit without its suffix is the name under which a service is known.
std::string ServiceName(const Process& process) {
  constexpr std::string_view kSuffix = ".service";
  const std::string& unit = process.cgroup.unit;
  if (!unit.ends_with(kSuffix)) return process.comm;
  return unit.substr(0, unit.size() - kSuffix.size());
}

}  // namespace

std::vector<Process> ProfileEndpoints::ProfiledProcesses() {
  // A poll costs each process a refresh of its statistics.
  if (DiscoverSockets().profiles.empty()) return {};
  std::vector<Process> processes = options_.read_processes();
  std::erase_if(processes, [](const Process& process) {
    return !process.has_profile_socket;
  });
  return processes;
}

ProfileEndpoints::Selection ProfileEndpoints::SelectPid(
    const ProfileQuery& query, pid_t pid) {
  const auto stat = ReadProcStat(pid);
  if (!stat || IsEnding(*stat) ||
      (options_.includes && !options_.includes(pid))) {
    return {.error = ErrorResponse(404, "there is no " + Named(pid))};
  }
  std::string comm = SanitizeLabel(stat->comm, kMaxCommSize);
  if (query.comm.value_or(comm) != comm) {
    return {.error = ErrorResponse(
                404, Named(pid) + " is not named " + Quoted(*query.comm))};
  }
  if (!HasProfileSocket(pid)) {
    return {.error = ErrorResponse(
                404, Named(pid) + " has no heap profile; " + kHowToProfile)};
  }
  return {.pid = pid, .comm = std::move(comm)};
}

ProfileEndpoints::Selection ProfileEndpoints::Select(
    const ProfileQuery& query) {
  if (query.pid) return SelectPid(query, *query.pid);
  std::vector<Process> processes = ProfiledProcesses();
  std::string name;
  if (query.comm) {
    std::erase_if(processes, [&](const Process& process) {
      return process.comm != *query.comm;
    });
    name = " named " + Quoted(*query.comm);
  }
  if (processes.empty()) {
    return {.error = ErrorResponse(
                404,
                "no process" + name + " has a heap profile; " + kHowToProfile)};
  }
  if (processes.size() > 1) {
    return {.error = ErrorResponse(
                400, "several processes" + name +
                         " have a heap profile; choose one by pid: " +
                         ListOf(processes))};
  }
  return {.pid = processes.front().pid, .comm = processes.front().comm};
}

Response ProfileEndpoints::Run(
    const ProfileQuery& query, const Selection& process,
    const std::vector<std::string>& arguments,
    const std::function<bool()>& is_abandoned) const {
  const int reads = query.seconds == 0 ? 1 : 2;
  ChildResult result = RunChild(
      options_.program, arguments,
      {.deadline = std::chrono::steady_clock::now() + seconds(query.seconds) +
                   reads * kProfileTimeout + kSymbolTime,
       .max_output_bytes = kMaxBytes,
       .is_abandoned = is_abandoned});
  if (result.end != ChildResult::End::kExited || result.exit_status != 0) {
    return Failure(result, process.pid);
  }
  Response response = Success(*query.format, process.comm, process.pid);
  response.body = std::move(result.output);
  return response;
}

Response ProfileEndpoints::Heap(const Request& request) {
  std::string error;
  const auto query = ParseProfileQuery(request.query, &error);
  if (!query) return ErrorResponse(400, error);
  const Selection process = Select(*query);
  if (process.pid == 0) return process.error;
  if (request.is_head) {
    return Success(*query->format, process.comm, process.pid);
  }
  const ProfileRuns::Command command = {
      .pid = process.pid,
      .arguments = ProfileCommand(*query, process.pid),
      .time = seconds(std::max(query->seconds, 1))};
  return runs_.Get(
      request, command, [&](const std::function<bool()>& is_abandoned) {
        return Run(*query, process, command.arguments, is_abandoned);
      });
}

Response ProfileEndpoints::Targets(const Request& request) {
  std::string host(UrlAuthority(options_.external_url));
  if (host.empty()) host = request.host;
  auto targets = nlohmann::json::array();
  for (const Process& process : ProfiledProcesses()) {
    const std::string pid = std::to_string(process.pid);
    targets.push_back({{"targets", {host}},
                       {"labels",
                        {{"__param_pid", pid},
                         {"comm", process.comm},
                         {"pid", pid},
                         {"service_name", ServiceName(process)}}}});
  }
  return {.content_type = "application/json",
          .body = targets.dump(-1, ' ', false,
                               nlohmann::json::error_handler_t::replace)};
}

}  // namespace jemalloc_exporter

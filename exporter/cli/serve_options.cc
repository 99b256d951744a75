#include "exporter/cli/serve_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>

#include "exporter/cli/comm_filter.h"
#include "exporter/cli/option_values.h"
#include "exporter/endpoints/request_path.h"

namespace jemalloc_exporter {
namespace {

// As in Prometheus, the first slash of a prefix may be missing.
std::string CheckRoutePrefix(const std::string& prefix) {
  return CheckRequestPath(prefix.starts_with('/') ? prefix : "/" + prefix);
}

std::string CheckCount(const std::string& text) {
  int count = 0;
  return CLI::detail::lexical_cast(text, count) && count >= 0
             ? ""
             : "invalid value '" + text + "': expected an integer >= 0";
}

}  // namespace

void AddAgentTimeout(CLI::App& app, Seconds& timeout) {
  AddDuration(app, "--agent.timeout",
              "Maximum time to wait for the responses of processes (1s)",
              [&timeout](Seconds value) { timeout = value; });
}

void AddAllNamespaces(CLI::App& app, bool& all_namespaces) {
  app.add_flag("--agent.all-namespaces", all_namespaces,
               "Also serve the processes of all other network namespaces. "
               "Requires CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_SETUID, which a "
               "process without access to clients keeps; not with exec");
}

void AddWebOptions(CLI::App& app, ServeOptions& serve) {
  app.add_option("--web.listen-address", serve.listen_addresses,
                 "Address to listen on: HOST:PORT, [IPV6]:PORT, :PORT or "
                 "unix:PATH; may be repeated, in the environment separated by "
                 "commas")
      ->type_name("ADDRESS")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_flag("--web.systemd-socket", serve.systemd_socket,
               "Listen on the sockets passed by systemd (socket activation) "
               "instead of the addresses; not with exec");
  app.add_option(
         "--web.config.file", serve.config_file,
         "File with TLS and basic authentication settings, in the format "
         "of the Prometheus exporter toolkit; reloaded when it changes "
         "and on SIGHUP")
      ->type_name("FILE");
  app.add_option("--web.telemetry-path", serve.telemetry_path,
                 "Path under which the metrics are served")
      ->type_name("PATH")
      ->check(CLI::Validator(CheckRequestPath, ""))
      ->capture_default_str();
  app.add_option("--web.external-url", serve.external_url,
                 "URL of the landing page for clients, if it is served by a "
                 "reverse proxy. Its path prefixes all endpoints")
      ->check(CLI::Validator(CheckExternalUrl, ""))
      ->type_name("URL");
  app.add_option("--web.route-prefix", serve.route_prefix,
                 "Prefix of all endpoints. Defaults to the path of "
                 "--web.external-url")
      ->check(CLI::Validator(CheckRoutePrefix, ""))
      ->type_name("PATH");
  app.add_option("--web.max-requests", serve.max_requests,
                 "Maximum number of parallel scrapes; 0: no limit")
      ->type_name("COUNT")
      ->check(CLI::Validator(CheckCount, ""))
      ->capture_default_str();
  app.add_flag("--web.disable-exporter-metrics", serve.disable_exporter_metrics,
               "Omit the metrics about the exporter itself");
}

void AddCollectorOptions(CLI::App& app, ServeOptions& serve) {
  for (const CollectorName& row : kCollectorNames) {
    if (row.help.empty()) continue;
    const std::string name = "collector." + std::string(row.name);
    const bool is_on = serve.collectors.*row.member;
    app.add_flag("--" + name + (is_on ? ",!--no-" + name : ""),
                 serve.collectors.*row.member, std::string(row.help));
  }
  app.add_option_function<std::string>(
         "--collector.comm-include",
         [&serve](const std::string& expression) {
           std::string error;
           serve.comm_include = CompileCommFilter(expression, &error);
           if (!error.empty()) {
             throw CLI::ValidationError("--collector.comm-include", error);
           }
         },
         "Extended regular expression of the whole names of processes; of "
         "others no bins, sizes and locks are collected (.*)")
      ->type_name("REGEX");
}

}  // namespace jemalloc_exporter

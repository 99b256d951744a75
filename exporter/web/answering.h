#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_

#include <microhttpd.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "web/connections.h"
#include "web/crew.h"
#include "web/exchange.h"
#include "web/http_server.h"

namespace jemalloc_exporter {

/// What becomes of requests: who may ask, what is at a path, and who does the
/// work. All but `Add` is for the thread on watch.
class Answering {
 public:
  /// `add_job` gives the crew a job. `options` and `connections` outlive this.
  Answering(const HttpServerOptions& options, Connections& connections,
            std::function<void(Crew::Job)> add_job);

  /// What is at `path` from now on. Thread-safe.
  void Add(std::string path, Route route);

  /// Goes on with a request, whenever MHD asks: when its head has arrived,
  /// again at its end, and from then on in each run, unless the connection is
  /// suspended.
  MHD_Result Answer(Exchange& exchange, const char* method,
                    const char* version);

  /// Begins no more work.
  void Stop() { stopping_ = true; }

  /// Whether there is work under way.
  bool working() const { return handlers_running_ > 0 || !logins_.empty(); }

 private:
  MHD_Result Receive(Exchange& exchange, std::string_view method,
                     const char* version);
  Admission Judge(Exchange& exchange) const;
  MHD_Result Verify(Exchange& exchange);
  MHD_Result Serve(Exchange& exchange, std::string_view method);
  MHD_Result Handle(Exchange& exchange);
  Response Call(const Exchange& exchange) const;
  MHD_Result Reply(Exchange& exchange, Response response) const;

  void Begin(Exchange& exchange, Crew::Job job);
  std::shared_ptr<const Route> Find(const std::string& path);

  const HttpServerOptions& options_;
  Connections& connections_;
  const std::function<void(Crew::Job)> add_job_;

  std::mutex routes_mutex_;
  std::map<std::string, std::shared_ptr<const Route>> routes_;

  bool stopping_ = false;
  unsigned handlers_running_ = 0;
  std::vector<const Exchange*> logins_;  // Those being verified.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_

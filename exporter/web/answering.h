#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "web/crew.h"
#include "web/exchange.h"
#include "web/http_server.h"

namespace jemalloc_exporter {

/// What becomes of requests: who may ask, what is at a path, and who does the
/// work. All but `Add` is for the thread on watch.
class Answering {
 public:
  /// `add_job` gives the crew a job; `on_answered` is called with an exchange
  /// that took one. `options` outlive this.
  Answering(const HttpServerOptions& options,
            std::function<void(Crew::Job)> add_job,
            std::function<void(Exchange&)> on_answered);

  /// What is at `path` from now on. Thread-safe.
  void Add(std::string path, Route route);

  /// Finds the response to a request that has arrived. Returns false where that
  /// takes work: then `on_answered` will be called, without a response if there
  /// was no memory for one, and the exchange must live until then.
  bool Answer(Exchange& exchange);

  /// Answers a request of which nothing is understood.
  void Refuse(Exchange& exchange, int status) const;

  /// Whether there is work under way.
  bool working() const { return jobs_ > 0; }

  /// How many jobs may take their time at once; 0 is any number.
  static std::size_t MaxSlowJobs(const HttpServerOptions& options);

 private:
  bool Verify(Exchange& exchange);
  bool Serve(Exchange& exchange);
  bool Handle(Exchange& exchange);
  void AddJob(Exchange& exchange, std::function<void()> work,
              std::function<bool()> finish);
  Response CallIfAllowed(const Exchange& exchange);
  Response Call(const Exchange& exchange) const;
  bool Respond(Exchange& exchange, Response response) const;
  std::shared_ptr<const Route> Find(const std::string& path);

  const HttpServerOptions& options_;
  const std::function<void(Crew::Job)> add_job_;
  const std::function<void(Exchange&)> on_answered_;

  std::mutex routes_mutex_;
  std::map<std::string, std::shared_ptr<const Route>> routes_;

  unsigned jobs_ = 0;
  std::atomic<unsigned> handlers_running_{0};
  std::vector<const Exchange*> logins_;  // Those being verified.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_ANSWERING_H_

#include "exporter/endpoints/metrics_response.h"

#include <string>

#include "exporter/exposition/negotiation.h"
#include "exporter/exposition/serializer.h"
#include "exporter/http/gzip.h"

namespace jemalloc_exporter {

Response MetricsResponse(
    const Request& request,
    const std::vector<prometheus::MetricFamily>& families) {
  const Format format = NegotiateFormat(request.accept);
  Response response{.content_type = std::string(ContentType(format)),
                    .body = SerializeExposition(format, families),
                    .headers = {{"Vary", "Accept, Accept-Encoding"}}};
  if (response.body.size() >= kMinGzipSize &&
      AcceptsGzip(request.accept_encoding)) {
    response.body = Gzip(response.body);
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  return response;
}

}  // namespace jemalloc_exporter

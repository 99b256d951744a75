#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_BIND_REQUEST_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_BIND_REQUEST_H_

#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Gives a socket the name by which the agent sends `sets`: see
/// detail_request.h. Returns `sets`; none where it has to connect without a
/// name.
HeapDetailSets BindRequest(int socket, HeapDetailSets sets);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_BIND_REQUEST_H_

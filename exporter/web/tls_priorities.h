#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_PRIORITIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_PRIORITIES_H_

#include <string>

#include "web/web_config.h"

namespace jemalloc_exporter {

/// Versions, cipher suites and curves of a configuration in the language of
/// GnuTLS, for gnutls_priority_init(3). TLS 1.3 takes the ciphers of the suites
/// that are listed, since GnuTLS does not tell them apart.
///
/// Throws std::runtime_error, with one line that names the key, where GnuTLS
/// knows a name not or could not but enable what is not listed: it takes key
/// exchange, cipher and MAC one by one.
std::string TlsPriorities(const TlsConfig& config);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_PRIORITIES_H_

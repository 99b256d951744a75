find_package(ZLIB REQUIRED)
foreach(name IN ITEMS connection_table dispatcher http_date http_server listen
                      metrics_handler metrics_response request_parser
                      server_lifecycle session unix_socket worker_pool)
  jemalloc_exporter_test(${name} jemalloc_exporter_http)
endforeach()
jemalloc_exporter_test(gzip jemalloc_exporter_http ZLIB::ZLIB)
jemalloc_exporter_test(server jemalloc_exporter::server)
jemalloc_exporter_test(systemd_sockets jemalloc_exporter_program)

# A checker of HTTP responses, for the fuzzer.
add_library(jemalloc_exporter_http_response_checker STATIC
  support/http_response_checker.cc)
jemalloc_exporter_compile(jemalloc_exporter_http_response_checker)
jemalloc_exporter_test(http_response_checker
  jemalloc_exporter_http_response_checker)

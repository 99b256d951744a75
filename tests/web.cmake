find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
foreach(name IN ITEMS answering connections crew http_date http_loop http_server
                      http_server_life listen metrics_handler
                      metrics_page request_head server unix_socket)
  jemalloc_exporter_test(${name} jemalloc_exporter::server)
endforeach()
jemalloc_exporter_test(gzip jemalloc_exporter::server ZLIB::ZLIB)
foreach(name IN ITEMS basic_auth systemd_sockets web_config)
  jemalloc_exporter_test(${name} jemalloc_exporter_program)
endforeach()

# Keys and certificates, made in memory.
add_library(jemalloc_exporter_test_certificates STATIC test_certificates.cc)
target_include_directories(jemalloc_exporter_test_certificates PUBLIC
  ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(jemalloc_exporter_test_certificates PUBLIC
  OpenSSL::Crypto)
jemalloc_exporter_compile(jemalloc_exporter_test_certificates)
jemalloc_exporter_test(tls_context
  jemalloc_exporter_program jemalloc_exporter_test_certificates)

# A checker of answers, for the fuzzer.
add_library(jemalloc_exporter_strict_answers STATIC strict_answers.cc)
target_include_directories(jemalloc_exporter_strict_answers PUBLIC
  ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/exporter)
jemalloc_exporter_compile(jemalloc_exporter_strict_answers)
jemalloc_exporter_test(strict_answers jemalloc_exporter_strict_answers)

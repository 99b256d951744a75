find_package(ZLIB REQUIRED)
foreach(name IN ITEMS answering connections crew http_date http_loop http_server
                      http_server_life listen metrics_handler
                      metrics_page request_head server unix_socket)
  jemalloc_exporter_test(${name} jemalloc_exporter::server)
endforeach()
jemalloc_exporter_test(gzip jemalloc_exporter::server ZLIB::ZLIB)
jemalloc_exporter_test(systemd_sockets jemalloc_exporter_program)

# A checker of answers, for the fuzzer.
add_library(jemalloc_exporter_strict_answers STATIC strict_answers.cc)
target_include_directories(jemalloc_exporter_strict_answers PUBLIC
  ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/exporter)
jemalloc_exporter_compile(jemalloc_exporter_strict_answers)
jemalloc_exporter_test(strict_answers jemalloc_exporter_strict_answers)

find_package(OpenSSL REQUIRED)
# Keys and certificates, made in memory.
add_library(jemalloc_exporter_test_certificates STATIC
  support/test_certificates.cc)
target_link_libraries(jemalloc_exporter_test_certificates PUBLIC
  OpenSSL::Crypto)
jemalloc_exporter_compile(jemalloc_exporter_test_certificates)
jemalloc_exporter_tests(exporter/http_config
  jemalloc_exporter_http_config jemalloc_exporter_test_certificates)

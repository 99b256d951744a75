# The tests of dashboards/, in Debian's Python with its packages.
foreach(name IN ITEMS alerts dashboard_rules dashboards dashboards_live
                      dashboards_schema provisioning)
  add_test(NAME ${name}
    COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/dashboards/${name}_test.py)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()

# Every query on the real exporter around a real load, and on a real program that
# embeds the library: one that the README shows. Under a sanitizer, which serves
# malloc itself, that one has no heap to show.
set(programs JEMALLOC_EXPORTER=$<TARGET_FILE:jemalloc_exporter>)
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  add_executable(embedding install/consumer/server.cc)
  jemalloc_exporter_compile(embedding)
  target_link_libraries(embedding PRIVATE
    jemalloc_exporter::prometheus jemalloc_exporter::server
    -Wl,--no-as-needed PkgConfig::jemalloc)
  list(APPEND programs EMBEDDING=$<TARGET_FILE:embedding>)
endif()
set_tests_properties(dashboards_live PROPERTIES ENVIRONMENT "${programs}")

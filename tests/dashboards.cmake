# The tests of dashboards/.
file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     dashboards/*_test.py)
list(REMOVE_ITEM files dashboards/dashboards_schema_test.py)
foreach(file IN LISTS files)
  string(REGEX REPLACE ".*/(.*)_test.py" "\\1" name ${file})
  jemalloc_exporter_python_test(dashboards:${name} 300 ${file})
endforeach()

# Not in a network namespace: it installs Grafana's types with npm.
add_test(NAME dashboards:dashboards_schema COMMAND /usr/bin/python3 -B
  ${CMAKE_CURRENT_SOURCE_DIR}/dashboards/dashboards_schema_test.py)
set_tests_properties(dashboards:dashboards_schema PROPERTIES TIMEOUT 300
  SKIP_RETURN_CODE 77 ENVIRONMENT "${python_environment}")

# Every query on the real exporter around a Redis, and on a real program that
# embeds the library: one that the README shows. Under a sanitizer, which serves
# malloc itself, that one has no heap to show.
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  add_executable(embedding install/consumer/server.cc)
  jemalloc_exporter_compile(embedding)
  target_link_libraries(embedding PRIVATE
    jemalloc_exporter::prometheus jemalloc_exporter::server
    -Wl,--no-as-needed PkgConfig::jemalloc)
  set_property(TEST dashboards:dashboards_live APPEND PROPERTY
    ENVIRONMENT EMBEDDING=$<TARGET_FILE:embedding>)
endif()

# The tests of dashboards/.
file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     dashboards/*_test.py)
foreach(file IN LISTS files)
  string(REGEX REPLACE ".*/(.*)_test.py" "\\1" name ${file})
  jemalloc_exporter_python_test(dashboards:${name} 300 ${file})
endforeach()

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

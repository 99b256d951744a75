# A test program that uses the listener: on jemalloc, on one that is linked but
# unused, and without. The consumer project builds it against the package, which
# contains no sanitized library.
if(JEMALLOC_EXPORTER_INSTALL AND NOT JEMALLOC_EXPORTER_SANITIZE)
  set(listener_programs ${CMAKE_CURRENT_BINARY_DIR}/consumer/fixture_program)
  add_test(NAME consumer:BuildsTheListenersFixtureProgram
    COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test
            ${CMAKE_CURRENT_SOURCE_DIR}/install/consumer ${listener_programs}
            --build-generator Ninja --build-options -DWAY=fixture_program
            -DCMAKE_PREFIX_PATH=${CMAKE_CURRENT_BINARY_DIR}/stage
            -DUNUSED_JEMALLOC=${CMAKE_CURRENT_BINARY_DIR}/libunused_jemalloc.a)
  set_tests_properties(consumer:BuildsTheListenersFixtureProgram PROPERTIES
    TIMEOUT 300 FIXTURES_REQUIRED stage FIXTURES_SETUP listener_programs)
else()
  set(listener_programs ${CMAKE_CURRENT_BINARY_DIR})
  foreach(kind IN ITEMS used unused without)
    set(program heap_listener_fixture_program_${kind})
    add_executable(${program} collector/gtest/heap_listener_fixture_program.cc)
    set_target_properties(${program} PROPERTIES
      CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    jemalloc_exporter_sanitize(${program})
    target_link_libraries(${program} PRIVATE
      jemalloc_exporter::gtest_push jemalloc_exporter::server
      prometheus-cpp::pull)
  endforeach()
  target_link_libraries(heap_listener_fixture_program_used PRIVATE
    PkgConfig::jemalloc)
  target_link_libraries(heap_listener_fixture_program_unused PRIVATE
    unused_jemalloc)
  target_compile_definitions(heap_listener_fixture_program_unused PRIVATE
    FIXTURE_MALLCTL=unused_mallctl)
endif()

# One of this project's own tests, without the file of an earlier run.
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  set(report ${CMAKE_CURRENT_BINARY_DIR}/own_tests.report.json)
  add_test(NAME own_tests:ReportTheirEffectOnTheHeap COMMAND sh -c
    "rm -f '${report}' && $<TARGET_FILE:collector_text_test> && \
     grep -q '\"heap_growth_bytes\":' '${report}'")
  set_tests_properties(own_tests:ReportTheirEffectOnTheHeap PROPERTIES
    ENVIRONMENT JEMALLOC_EXPORTER_TEST_REPORT=${report})
endif()

# A sanitizer replaces malloc: there is no heap of jemalloc.
file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     collector/gtest/*_test.py)
if(JEMALLOC_EXPORTER_SANITIZE)
  list(FILTER files INCLUDE REGEX "_(files|without_jemalloc)_test\\.py$")
endif()
foreach(file IN LISTS files)
  string(REGEX REPLACE ".*/(.*)_test.py" "end_to_end:\\1" test ${file})
  jemalloc_exporter_python_test(${test} 120 ${file})
  set_property(TEST ${test} PROPERTY FIXTURES_REQUIRED listener_programs)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
               LISTENER_PROGRAMS=${listener_programs})
endforeach()

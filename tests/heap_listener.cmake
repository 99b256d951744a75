# The listener in a test program as its users write them: on jemalloc, on one
# that is linked but unused, and without. As they build it, too: by the consumer
# project, against the package. A library that is sanitized is in none.
if(JEMALLOC_EXPORTER_INSTALL AND NOT JEMALLOC_EXPORTER_SANITIZE)
  set(subjects ${CMAKE_CURRENT_BINARY_DIR}/consumer/subject)
  add_test(NAME consumer:BuildsTheListenersSubject
    COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test
            ${CMAKE_CURRENT_SOURCE_DIR}/install/consumer ${subjects}
            --build-generator Ninja --build-options -DWAY=subject
            -DCMAKE_PREFIX_PATH=${CMAKE_CURRENT_BINARY_DIR}/stage
            -DUNUSED_JEMALLOC=${unused_jemalloc})
  set_tests_properties(consumer:BuildsTheListenersSubject PROPERTIES
    TIMEOUT 300 FIXTURES_REQUIRED stage FIXTURES_SETUP subjects)
else()
  set(subjects ${CMAKE_CURRENT_BINARY_DIR})
  foreach(kind IN ITEMS used unused without)
    set(program heap_listener_subject_${kind})
    add_executable(${program} collector/gtest/heap_listener_subject.cc)
    set_target_properties(${program} PROPERTIES
      CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
    jemalloc_exporter_sanitize(${program})
    target_link_libraries(${program} PRIVATE
      jemalloc_exporter::gtest_push jemalloc_exporter::server
      prometheus-cpp::pull)
  endforeach()
  target_link_libraries(heap_listener_subject_used PRIVATE PkgConfig::jemalloc)
  target_link_libraries(heap_listener_subject_unused PRIVATE ${unused_jemalloc})
  target_compile_definitions(heap_listener_subject_unused PRIVATE
    SUBJECT_MALLCTL=unused_mallctl)
  add_dependencies(heap_listener_subject_unused unused_jemalloc)
endif()

# One of this project's own tests. (`rm`: a file of an earlier run is no proof.)
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  set(report ${CMAKE_CURRENT_BINARY_DIR}/own_tests.report.json)
  add_test(NAME own_tests:ReportTheirEffectOnTheHeap COMMAND sh -c
    "rm -f '${report}' && $<TARGET_FILE:collector_text_test> && \
     grep -q '\"heap_growth_bytes\":' '${report}'")
  set_tests_properties(own_tests:ReportTheirEffectOnTheHeap PROPERTIES
    ENVIRONMENT JEMALLOC_EXPORTER_TEST_REPORT=${report})
endif()

# Under a sanitizer, which serves malloc itself, there is no heap to see.
set(cases Files FailingPush UnusedJemalloc WithoutJemalloc)
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  list(APPEND cases Run Report Metrics Push)
endif()
foreach(case IN LISTS cases)
  set(test end_to_end:heap_listener:${case})
  jemalloc_exporter_python_test(${test} 120 end_to_end/heap_listener_test.py
                                ${case})
  set_property(TEST ${test} PROPERTY FIXTURES_REQUIRED subjects)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT SUBJECTS=${subjects})
endforeach()

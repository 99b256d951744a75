# The listener: its parts, and itself in test programs.

foreach(name IN ITEMS heap_expectation heap_listener heap_sidecar
                      heap_sidecar_diff test_families test_reading test_records
                      thread_bytes valid_utf8 whole_file)
  jemalloc_exporter_test(${name} jemalloc_exporter::gtest)
endforeach()

# The listener in a test program as its users write them, in C++17: on jemalloc,
# on one that is linked but unused, and without.
foreach(kind IN ITEMS used unused without)
  set(program heap_listener_subject_${kind})
  add_executable(${program} heap_listener_subject.cc)
  set_target_properties(${program} PROPERTIES
    CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  jemalloc_exporter_sanitize(${program})
  target_link_libraries(${program} PRIVATE
    jemalloc_exporter::gtest_push prometheus-cpp::pull)
endforeach()
target_link_libraries(heap_listener_subject_used PRIVATE PkgConfig::jemalloc)
target_link_libraries(heap_listener_subject_unused PRIVATE ${unused_jemalloc})
target_compile_definitions(heap_listener_subject_unused PRIVATE
  SUBJECT_MALLCTL=unused_mallctl)
add_dependencies(heap_listener_subject_unused unused_jemalloc)

# Under a sanitizer, which serves malloc itself, there is no heap to see.
set(cases Files FailingPush UnusedJemalloc WithoutJemalloc)
if(NOT JEMALLOC_EXPORTER_SANITIZE)
  list(APPEND cases Run Report Metrics Push)
endif()
foreach(case IN LISTS cases)
  add_test(NAME end_to_end:heap_listener:${case} COMMAND /usr/bin/python3 -B
    ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/heap_listener_test.py ${case})
  set_tests_properties(end_to_end:heap_listener:${case} PROPERTIES TIMEOUT 120
    ENVIRONMENT "JEMALLOC_EXPORTER=$<TARGET_FILE:jemalloc_exporter>;SUBJECTS=${CMAKE_CURRENT_BINARY_DIR}")
endforeach()

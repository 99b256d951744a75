# exporter/build_info.h of the target jemalloc_exporter_build_info: the values of
# `--version` and of the metric of that name.
set(JEMALLOC_EXPORTER_REVISION "" CACHE STRING
    "The commit that is built, where git is not available")

if(NOT JEMALLOC_EXPORTER_REVISION)
  set(JEMALLOC_EXPORTER_REVISION unknown)
  # A .git further up belongs to another project.
  if(EXISTS ${PROJECT_SOURCE_DIR}/.git)
    execute_process(COMMAND git rev-parse HEAD --git-path logs/HEAD
                    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                    OUTPUT_VARIABLE answer ERROR_QUIET)
    if(answer MATCHES "^([0-9a-f]+)\n(.+)\n$")
      set(JEMALLOC_EXPORTER_REVISION ${CMAKE_MATCH_1})
      # Determined again after each commit and checkout.
      cmake_path(ABSOLUTE_PATH CMAKE_MATCH_2
                 BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE log)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
    endif()
  endif()
endif()

configure_file(build_info.h.in build_info/exporter/build_info.h @ONLY)
add_library(jemalloc_exporter_build_info INTERFACE)
target_include_directories(jemalloc_exporter_build_info INTERFACE
  ${CMAKE_CURRENT_BINARY_DIR}/build_info)

if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  return()
endif()
# Processes that are read and attached to while they run.
set(attach_hosts attach_host attach_host_plain attach_host_static
    attach_host_rjem attach_host_hidden attach_host_stripped)
foreach(host IN LISTS attach_hosts)
  add_executable(${host} end_to_end/attach_host.cc)
  target_compile_features(${host} PRIVATE cxx_std_20)
  target_compile_options(${host} PRIVATE -Wall -Wextra -Wpedantic)
endforeach()
target_link_libraries(attach_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
target_link_libraries(attach_host_static PRIVATE
  ${jemalloc_LIBDIR}/libjemalloc.a -static)
target_compile_definitions(attach_host_static PRIVATE STATIC)
# As a Rust program has it: prefixed, and its symbols are not exported.
foreach(host IN ITEMS attach_host_rjem attach_host_hidden attach_host_stripped)
  target_compile_definitions(${host} PRIVATE HOST_MALLOC=_rjem_malloc)
  target_link_libraries(${host} PRIVATE _rjem_jemalloc)
endforeach()
target_link_options(attach_host_hidden PRIVATE -Wl,--exclude-libs,ALL)
target_link_options(attach_host_stripped PRIVATE
  -Wl,--exclude-libs,ALL -Wl,--strip-all)

add_library(jemalloc_plugin MODULE end_to_end/jemalloc_plugin.cc)
jemalloc_exporter_compile(jemalloc_plugin)
target_link_libraries(jemalloc_plugin PRIVATE je_jemalloc)

# Its mallctl is its own. The compiler of C++ compiles C, too; musl's wrapper
# makes programs of another libc.
set(mallctl_host ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/mallctl_host.c)
function(jemalloc_exporter_mallctl_host name)
  add_custom_command(OUTPUT ${name}
    COMMAND ${ARGN} -x c -std=c11 -O1 -mavx -Wall -Wextra -pthread
            ${mallctl_host} -o ${name}
    DEPENDS ${mallctl_host} VERBATIM)
  add_custom_target(${name}_program ALL DEPENDS ${name})
endfunction()
jemalloc_exporter_mallctl_host(mallctl_host ${CMAKE_CXX_COMPILER} -rdynamic)
jemalloc_exporter_mallctl_host(mallctl_host_static
  ${CMAKE_CXX_COMPILER} -static-pie -fPIE -DSTATIC)
find_program(musl_gcc musl-gcc)
if(musl_gcc)
  jemalloc_exporter_mallctl_host(mallctl_host_musl ${musl_gcc} -static -DSTATIC)
  jemalloc_exporter_mallctl_host(mallctl_host_musl_dynamic
    ${musl_gcc} -rdynamic)
endif()

# Real programs, from npm: `ctest -C real_programs` runs these, too. Not in a
# network namespace while they are installed.
foreach(program IN ITEMS Anvil Ripgrep DuckDB)
  add_test(NAME real_programs:${program} CONFIGURATIONS real_programs
    COMMAND /usr/bin/python3 -B
            ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/npm_programs.py ${program})
  set_tests_properties(real_programs:${program} PROPERTIES TIMEOUT 300
    SKIP_RETURN_CODE 77 ENVIRONMENT "${python_environment}")
endforeach()

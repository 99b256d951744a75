# The agent in programs: one program in every relation to jemalloc and to it.
set(agent_hosts agent_host agent_host_plain agent_host_unused agent_host_linked
    agent_host_no_pie agent_host_own_malloc agent_host_tls
    agent_host_tls_stack agent_host_je
    agent_host_duckdb agent_host_rjem agent_host_two agent_host_beside
    agent_host_no_statistics agent_host_static)
foreach(host IN LISTS agent_hosts)
  add_executable(${host} end_to_end/agent_host.cc)
  target_compile_features(${host} PRIVATE cxx_std_20)
  target_compile_options(${host} PRIVATE
    -Wall -Wextra -Wpedantic)
endforeach()
foreach(host IN ITEMS
    agent_host agent_host_linked agent_host_no_pie agent_host_tls
    agent_host_tls_stack)
  target_link_libraries(${host} PRIVATE -Wl,--no-as-needed PkgConfig::jemalloc)
endforeach()
target_sources(agent_host_own_malloc PRIVATE
  end_to_end/agent_host_own_malloc.cc)
set_target_properties(agent_host_own_malloc PROPERTIES ENABLE_EXPORTS ON)
target_compile_options(agent_host_no_pie PRIVATE -fno-pie)
target_link_options(agent_host_no_pie PRIVATE -no-pie)
# Takes the addresses of allocators, as C libraries do that have hooks for them.
target_compile_definitions(agent_host_no_pie PRIVATE TAKE_ADDRESSES)
# Its malloc belongs to the object that mallctl does, as the agent demands.
target_sources(agent_host_unused PRIVATE end_to_end/agent_host_own_malloc.cc)
target_link_libraries(agent_host_unused PRIVATE unused_jemalloc)
target_link_options(agent_host_unused PRIVATE
  -Wl,--undefined=unused_mallctl,--defsym=mallctl=unused_mallctl)
set_target_properties(agent_host_unused PROPERTIES ENABLE_EXPORTS ON)
target_link_libraries(agent_host_linked PRIVATE
  $<TARGET_FILE:jemalloc_exporter_agent>)
add_dependencies(agent_host_linked jemalloc_exporter_agent)
target_compile_definitions(agent_host_tls PRIVATE TLS_BYTES=1048576)
# Most of the 128 KiB that a response may use.
target_compile_definitions(agent_host_tls_stack PRIVATE TLS_BYTES=94208)

# Programs with a prefixed jemalloc in their file: exported, as upstream's Redis;
# with a prefix of their own; and in .symtab only, as Rust programs.
foreach(host IN ITEMS je:je_ duckdb:duckdb_je_ rjem:_rjem_ two:je_ beside:_rjem_
                      no_statistics:_rjem_ static:_rjem_)
  string(REGEX MATCH "^(.*):(.*)$" _ ${host})
  target_compile_definitions(agent_host_${CMAKE_MATCH_1} PRIVATE
    HOST_MALLOC=${CMAKE_MATCH_2}malloc)
  target_link_libraries(agent_host_${CMAKE_MATCH_1} PRIVATE
    ${CMAKE_MATCH_2}jemalloc)
endforeach()
set_target_properties(agent_host_je agent_host_duckdb PROPERTIES
  ENABLE_EXPORTS ON)
target_link_options(agent_host_static PRIVATE -static)
# Two heaps: a second archive, or the shared library as the program's malloc.
target_compile_definitions(agent_host_two PRIVATE SECOND_MALLOC=_rjem_malloc)
target_link_libraries(agent_host_two PRIVATE _rjem_jemalloc)
target_compile_definitions(agent_host_beside PRIVATE SECOND_MALLOC=std::malloc)
target_link_libraries(agent_host_beside PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
# A mallctl that has no statistics; the one that has is not found.
target_sources(agent_host_no_statistics PRIVATE
  end_to_end/agent_host_no_statistics.cc)
add_custom_command(TARGET agent_host_no_statistics POST_BUILD COMMAND
  ${CMAKE_OBJCOPY} --strip-symbol=_rjem_mallctl $<TARGET_FILE:agent_host_no_statistics>)
# The same program with its symbols local; without the functions that the linker
# removes if nothing calls them; and without symbols.
set(rjem $<TARGET_FILE:agent_host_rjem>)
add_custom_command(TARGET agent_host_rjem POST_BUILD
  COMMAND ${CMAKE_OBJCOPY} --wildcard --localize-symbol=_rjem_* ${rjem} ${rjem}_local
  COMMAND ${CMAKE_OBJCOPY} --strip-symbol=_rjem_mallctlnametomib
          --strip-symbol=_rjem_mallctlbymib ${rjem} ${rjem}_collected
  COMMAND ${CMAKE_STRIP} -o ${rjem}_stripped ${rjem} VERBATIM)
add_executable(counting_host end_to_end/counting_host.cc)
jemalloc_exporter_compile(counting_host)
target_link_libraries(counting_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
add_executable(agent_sandbox_host end_to_end/agent_sandbox_host.cc)
jemalloc_exporter_compile(agent_sandbox_host)
target_link_libraries(agent_sandbox_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
add_executable(agent_host_own_functions end_to_end/agent_host_own_functions.cc)
jemalloc_exporter_compile(agent_host_own_functions)
target_link_libraries(agent_host_own_functions PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
set_target_properties(agent_host_own_functions PROPERTIES ENABLE_EXPORTS ON)
add_executable(seccomp_launcher end_to_end/seccomp_launcher.cc)
jemalloc_exporter_compile(seccomp_launcher)
# A host whose profiles have functions and lines, whatever the build type.
add_executable(profile_host end_to_end/profile_host.cc)
jemalloc_exporter_compile(profile_host)
target_compile_options(profile_host PRIVATE -g -O1)
target_link_libraries(profile_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
# Preloaded into real programs: what malloc_stats_print prints, and what is read.
add_library(statistics_probe MODULE end_to_end/statistics_probe.cc)
jemalloc_exporter_compile(statistics_probe)
target_link_libraries(statistics_probe PRIVATE jemalloc_exporter_libc_sources)

# The agent in programs: one program in every relation to jemalloc and to it.
set(agent_hosts agent_host agent_host_plain agent_host_unused agent_host_linked
    agent_host_no_pie agent_host_own_malloc agent_host_tls agent_host_je)
foreach(host IN LISTS agent_hosts)
  add_executable(${host} end_to_end/agent_host.cc)
  target_compile_features(${host} PRIVATE cxx_std_20)
  target_compile_options(${host} PRIVATE
    -Wall -Wextra -Wpedantic)
endforeach()
foreach(host IN ITEMS
    agent_host agent_host_linked agent_host_no_pie agent_host_tls)
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
target_sources(agent_host_unused PRIVATE
  end_to_end/agent_host_unused.cc end_to_end/agent_host_own_malloc.cc)
target_link_libraries(agent_host_unused PRIVATE unused_jemalloc)
set_target_properties(agent_host_unused PROPERTIES ENABLE_EXPORTS ON)
target_link_libraries(agent_host_linked PRIVATE
  $<TARGET_FILE:jemalloc_exporter_agent>)
add_dependencies(agent_host_linked jemalloc_exporter_agent)
target_compile_definitions(agent_host_tls PRIVATE TLS_BYTES=1048576)
# As Redis is built upstream: static, prefixed, its symbols exported.
target_compile_definitions(agent_host_je PRIVATE HOST_MALLOC=je_malloc)
target_link_libraries(agent_host_je PRIVATE je_jemalloc)
set_target_properties(agent_host_je PROPERTIES ENABLE_EXPORTS ON)
add_executable(counting_host end_to_end/counting_host.cc)
jemalloc_exporter_compile(counting_host)
target_link_libraries(counting_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
add_executable(agent_sandbox_host end_to_end/agent_sandbox_host.cc)
jemalloc_exporter_compile(agent_sandbox_host)
target_link_libraries(agent_sandbox_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
add_executable(seccomp_launcher end_to_end/seccomp_launcher.cc)
jemalloc_exporter_compile(seccomp_launcher)

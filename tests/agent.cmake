# The exporter's end of the wire.
foreach(name IN ITEMS agent_poller answer_parser label_text socket_list)
  jemalloc_exporter_test(${name} jemalloc_exporter_agent_client)
endforeach()

# Parts of the agent, outside of it.
foreach(name IN ITEMS allowed_uids answer_writer)
  jemalloc_exporter_test(${name}
    jemalloc_exporter_agent_client jemalloc_exporter_exposition)
  target_sources(${name}_test PRIVATE
    ${PROJECT_SOURCE_DIR}/exporter/agent/${name}.cc)
endforeach()

# The agent in programs: one program in every relation to jemalloc and to it.
set(agent_hosts agent_host agent_host_plain agent_host_unused agent_host_linked
    agent_host_tls)
foreach(host IN LISTS agent_hosts)
  add_executable(${host} end_to_end/agent_host.cc)
  target_compile_features(${host} PRIVATE cxx_std_20)
  target_compile_options(${host} PRIVATE
    -Wall -Wextra -Wpedantic)
endforeach()
foreach(host IN ITEMS agent_host agent_host_linked agent_host_tls)
  target_link_libraries(${host} PRIVATE -Wl,--no-as-needed PkgConfig::jemalloc)
endforeach()
target_sources(agent_host_unused PRIVATE end_to_end/agent_host_unused.cc)
target_link_libraries(agent_host_unused PRIVATE ${unused_jemalloc})
set_target_properties(agent_host_unused PROPERTIES ENABLE_EXPORTS ON)
add_dependencies(agent_host_unused unused_jemalloc)
target_link_libraries(agent_host_linked PRIVATE
  $<TARGET_FILE:jemalloc_exporter_agent>)
add_dependencies(agent_host_linked jemalloc_exporter_agent)
target_compile_definitions(agent_host_tls PRIVATE TLS_BYTES=1048576)
add_executable(counting_host end_to_end/counting_host.cc)
jemalloc_exporter_compile(counting_host)
target_link_libraries(counting_host PRIVATE
  -Wl,--no-as-needed PkgConfig::jemalloc)
foreach(name IN ITEMS agent agent_hazards agent_programs)
  add_test(NAME end_to_end:${name}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/alone /usr/bin/python3 -B
            ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/${name}_test.py)
  # The long run of the hazards takes some minutes.
  set_tests_properties(end_to_end:${name} PROPERTIES TIMEOUT 900
    ENVIRONMENT "AGENT=$<TARGET_FILE:jemalloc_exporter_agent>;AGENT_HOSTS=$<TARGET_FILE_DIR:agent_host>")
endforeach()

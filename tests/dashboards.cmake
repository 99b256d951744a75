# The tests of dashboards/, in Debian's Python with its packages.
foreach(name IN ITEMS alerts dashboard_rules dashboards dashboards_live
                      dashboards_schema provisioning)
  add_test(NAME ${name}
    COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.py)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()

# Every query on the real exporter around a real load.
set_tests_properties(dashboards_live PROPERTIES
  ENVIRONMENT JEMALLOC_EXPORTER=$<TARGET_FILE:jemalloc_exporter>)

# Read by cpack for each generator. The archive is for `tar -C / -xzf`, and has
# what is the same on every system with these versions of the libraries.
if(CPACK_GENERATOR STREQUAL "TGZ")
  set(CPACK_COMPONENTS_ALL runtime)
  set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
  set(CPACK_INSTALL_PREFIX /usr/local)
  set(CPACK_ARCHIVE_FILE_NAME ${CPACK_ARCHIVE_NAME})
endif()

if(CPACK_JEMALLOC_EXPORTER_ARM64_ROOT)
  set(ENV{JEMALLOC_EXPORTER_ARM64_ROOT} ${CPACK_JEMALLOC_EXPORTER_ARM64_ROOT})
  set(SHLIBDEPS_EXECUTABLE ${CMAKE_CURRENT_LIST_DIR}/../arm64/shlibdeps)
endif()

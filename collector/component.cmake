# The components of the library, for CMake (find_package(jemalloc_exporter
# COMPONENTS NAME), or add_subdirectory) and for `pkg-config
# jemalloc_exporter-NAME`.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/jemalloc_exporter)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# jemalloc_exporter_component(NAME DESCRIPTION [MODULE...]): the library target
# jemalloc_exporter_NAME is a component. MODULE: a dependency, for pkg-config;
# those for CMake are in jemalloc_exporter-config.cmake.in.
function(jemalloc_exporter_component name description)
  set(target jemalloc_exporter_${name})
  add_library(jemalloc_exporter::${name} ALIAS ${target})
  # A consumer may be a shared library.
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  if(NOT JEMALLOC_EXPORTER_INSTALL)
    return()
  endif()

  set_property(GLOBAL APPEND PROPERTY jemalloc_exporter_installed ${target})
  install(TARGETS ${target} EXPORT ${target} COMPONENT development
          ARCHIVE LIBRARY FILE_SET HEADERS)
  install(EXPORT ${target} COMPONENT development DESTINATION ${package_dir}
          FILE jemalloc_exporter-${name}.cmake NAMESPACE jemalloc_exporter::)

  list(JOIN ARGN " " modules)
  # A program finds a shared library wherever it was installed.
  get_target_property(type ${target} TYPE)
  set(rpath "")
  if(type STREQUAL "SHARED_LIBRARY")
    set(rpath "-Wl,-rpath,\${libdir} ")
  endif()
  file(RELATIVE_PATH includedir /${pkgconfig_dir} /${CMAKE_INSTALL_INCLUDEDIR})
  configure_file(${PROJECT_SOURCE_DIR}/collector/jemalloc_exporter.pc.in
                 jemalloc_exporter-${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/jemalloc_exporter-${name}.pc
          COMPONENT development DESTINATION ${pkgconfig_dir})
endfunction()

if(JEMALLOC_EXPORTER_INSTALL)
  configure_package_config_file(
    collector/jemalloc_exporter-config.cmake.in
    jemalloc_exporter-config.cmake
    INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(jemalloc_exporter-config-version.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/jemalloc_exporter-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/jemalloc_exporter-config-version.cmake
    COMPONENT development DESTINATION ${package_dir})
endif()

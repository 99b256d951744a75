# The two commands, the public headers, the installation, and programs that use
# the library. A sanitized library cannot be linked by others.
if(JEMALLOC_EXPORTER_SANITIZE)
  return()
endif()

# The two commands.
file(STRINGS install/run_test situations REGEX "^[A-Z][A-Za-z]+\\(\\) ")
foreach(situation IN LISTS situations)
  string(REGEX MATCH "^[A-Za-z]+" situation ${situation})
  add_test(NAME run:${situation} COMMAND install/run_test ${situation}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(run:${situation} PROPERTIES SKIP_RETURN_CODE 77)
endforeach()

# The version stands in project() and, for the label, where no CMake can put it.
add_test(NAME image:HasTheVersionOfTheProject COMMAND
  grep -qx "ARG VERSION=${PROJECT_VERSION}" ${PROJECT_SOURCE_DIR}/Dockerfile)

jemalloc_exporter_python_test(image:HasTheLibrariesOfTheProgram 60
  install/runtime_packages_test.py)

add_test(NAME image:IsCompiledForItsPlatform COMMAND /usr/bin/python3 -B
  ${CMAKE_CURRENT_SOURCE_DIR}/install/toolchain_test.py)

# What the image is made from is enough to configure it.
add_test(NAME image:IsConfiguredFromItsContext COMMAND install/image_context_test
  ${CMAKE_CURRENT_BINARY_DIR}/image_context
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})

# The image itself: `ctest -C image`.
add_test(NAME image:ServesItsOwnHeap CONFIGURATIONS image COMMAND /usr/bin/python3
  -B ${CMAKE_CURRENT_SOURCE_DIR}/install/image_test.py)
set_tests_properties(image:ServesItsOwnHeap PROPERTIES TIMEOUT 3600
  SKIP_RETURN_CODE 77 ENVIRONMENT "${python_environment}")

# Each public header stands alone, twice, in strict C++17.
foreach(component IN ITEMS collector prometheus gtest gtest_push exposition
                           server)
  get_target_property(headers jemalloc_exporter_${component} HEADER_SET)
  get_target_property(folder jemalloc_exporter_${component} HEADER_DIRS)
  foreach(header IN LISTS headers)
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${folder})
    add_test(NAME header:${header} COMMAND ${CMAKE_CXX_COMPILER}
      -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only
      -I ${PROJECT_SOURCE_DIR}/collector/include
      -I ${PROJECT_SOURCE_DIR}/exporter/include
      -include ${header} -include ${header} -x c++ /dev/null)
  endforeach()
endforeach()

# The server's library exports its class alone, and in particular no symbol of
# Boost: the program may use another version.
add_test(NAME install:ServerExportsItsClassOnly COMMAND sh -c
  "! nm -DC --defined-only $<TARGET_FILE:jemalloc_exporter_server> | grep -v ' jemalloc_exporter::Server::'")
add_test(NAME install:ServerBesideAnotherBoost
  COMMAND install/boost_versions_test ${CMAKE_CURRENT_BINARY_DIR}/boost_versions
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
set_tests_properties(install:ServerBesideAnotherBoost PROPERTIES
  SKIP_RETURN_CODE 77 TIMEOUT 600)

if(NOT JEMALLOC_EXPORTER_INSTALL)
  return()
endif()

set(stage ${CMAKE_CURRENT_BINARY_DIR}/stage)
add_test(NAME install:Stage COMMAND sh -c
  "rm -rf '${stage}' && '${CMAKE_COMMAND}' --install '${PROJECT_BINARY_DIR}' --prefix '${stage}'")
set_tests_properties(install:Stage PROPERTIES FIXTURES_SETUP stage)

# The program that is installed finds the agent that is.
add_test(NAME install:ProgramFindsItsAgent COMMAND
  ${stage}/bin/jemalloc_exporter exec --web.listen-address=127.0.0.1:0 --
  sh -c "echo \$LD_PRELOAD")
set_tests_properties(install:ProgramFindsItsAgent PROPERTIES
  FIXTURES_REQUIRED stage PASS_REGULAR_EXPRESSION
  "^${stage}/lib/jemalloc_exporter/libjemalloc_exporter_agent.so\n")

# A consumer is compiled for the same machine, and finds the installation beside
# the libraries of that.
if(CMAKE_CROSSCOMPILING)
  set(cross_root -DCMAKE_FIND_ROOT_PATH=${stage})
  set(cross_environment CMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}
      JEMALLOC_EXPORTER_ARM64_ROOT=${JEMALLOC_EXPORTER_ARM64_ROOT})
endif()

# consumer_test(NAME WAY ARGUMENT...): consumer/build_and_run WAY ARGUMENT...
function(consumer_test name way)
  add_test(NAME consumer:${name} COMMAND install/consumer/build_and_run ${way}
           ${CMAKE_CURRENT_BINARY_DIR}/consumer/${name} ${ARGN}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(consumer:${name} PROPERTIES
    FIXTURES_REQUIRED stage TIMEOUT 300
    ENVIRONMENT "PKG_CONFIG_PATH=${stage}/${CMAKE_INSTALL_LIBDIR}/pkgconfig;CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER};${cross_environment}")
endfunction()

set(staged -DCMAKE_PREFIX_PATH=${stage} ${cross_root})
set(part -DSOURCE=${PROJECT_SOURCE_DIR})
set(without_gtest -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON)
set(without_prometheus -DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=ON
                       ${without_gtest})
consumer_test(FindsTheCollectorAlone collector cmake ${staged} ${without_prometheus})
consumer_test(HoldsTheCollectorAlone collector cmake ${part} ${without_prometheus})
consumer_test(CompilesTheCollector collector pkg-config jemalloc_exporter-collector)
consumer_test(HoldsTheCollectable exposer cmake ${part})
consumer_test(FindsTheCollectable exposer cmake ${staged} ${without_gtest})
consumer_test(CompilesTheCollectable exposer
              pkg-config jemalloc_exporter-prometheus prometheus-cpp-pull)
consumer_test(FindsTheServer server cmake ${staged} ${without_gtest})
consumer_test(HoldsTheServer server cmake ${part} ${without_gtest})
consumer_test(CompilesTheServer server
              pkg-config jemalloc_exporter-prometheus jemalloc_exporter-server)
consumer_test(FindsTheListener listener cmake ${staged})
consumer_test(HoldsTheListener listener cmake ${part})
consumer_test(CompilesTheListener listener pkg-config jemalloc_exporter-gtest)
consumer_test(FindsThePusher pusher cmake ${staged})
consumer_test(HoldsThePusher pusher cmake ${part})
consumer_test(CompilesThePusher pusher
              pkg-config jemalloc_exporter-gtest_push)

# A component that is selected by name is required.
consumer_test(HoldsTheSelectedComponents server
  cmake ${part} "-DJEMALLOC_EXPORTER_COMPONENTS=prometheus\\;server")
consumer_test(MissesADependencyOfASelectedComponent collector
  cmake ${part} ${without_prometheus}
  -DJEMALLOC_EXPORTER_COMPONENTS=prometheus)
set_tests_properties(consumer:MissesADependencyOfASelectedComponent PROPERTIES
  PASS_REGULAR_EXPRESSION "find_package.*prometheus-cpp")

jemalloc_exporter_python_test(package:MaintainerScripts 60
  install/maintainer_scripts_test.py)

# The Debian package. A bare machine takes Debian's archive and two minutes:
# `ctest -C real_programs` has it, outside of a network namespace.
jemalloc_exporter_python_test(package:Debian 120 install/debian_package_test.py)
add_test(NAME package:DebianOnABareMachine CONFIGURATIONS real_programs
  COMMAND /usr/bin/python3 -B
          ${CMAKE_CURRENT_SOURCE_DIR}/install/debian_package_test.py bare_machine)
set_tests_properties(package:DebianOnABareMachine PROPERTIES TIMEOUT 600
  SKIP_RETURN_CODE 77 ENVIRONMENT "${python_environment}")

# A user's first steps. A build of everything takes minutes without ccache.
jemalloc_exporter_python_test(install:ReadmeOnAFreshClone 1500
  install/readme_installation_test.py)
set_property(TEST install:ReadmeOnAFreshClone PROPERTY PROCESSORS 2)
set_property(TEST install:ReadmeOnAFreshClone APPEND PROPERTY
  ENVIRONMENT SCRATCH=${CMAKE_CURRENT_BINARY_DIR}/install)

# The collectable needs what the collector alone does not.
consumer_test(MissesWhatTheCollectableTakes exposer
              cmake ${staged} ${without_prometheus})
set_tests_properties(consumer:MissesWhatTheCollectableTakes PROPERTIES
  PASS_REGULAR_EXPRESSION
  "jemalloc_exporter-config.cmake:[0-9]+ .find_dependency.")

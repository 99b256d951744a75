# Compiles for 64-bit Arm on another machine, with Debian's cross compiler and the
# libraries in JEMALLOC_EXPORTER_ARM64_ROOT, which `make_root` makes. That is a
# variable of CMake or of the environment:
#
#   cmake -G Ninja -B build-arm64 -DJEMALLOC_EXPORTER_ARM64_ROOT=FOLDER
#     -DCMAKE_TOOLCHAIN_FILE=$PWD/exporter/packaging/arm64/toolchain.cmake
#
# A program that uses an installation of the library takes the same file, and
# CMAKE_FIND_ROOT_PATH, unless that is in FOLDER.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

if(NOT JEMALLOC_EXPORTER_ARM64_ROOT)
  set(JEMALLOC_EXPORTER_ARM64_ROOT $ENV{JEMALLOC_EXPORTER_ARM64_ROOT})
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES JEMALLOC_EXPORTER_ARM64_ROOT)
set(CMAKE_SYSROOT ${JEMALLOC_EXPORTER_ARM64_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(mode IN ITEMS INCLUDE LIBRARY PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${mode} ONLY)
endforeach()
set(ENV{PKG_CONFIG_LIBDIR}
    ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${CMAKE_SYSROOT})

# The tools of dpkg would take those of the machine that compiles.
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
set(CPACK_JEMALLOC_EXPORTER_ARM64_ROOT ${CMAKE_SYSROOT})

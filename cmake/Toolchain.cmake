# Compiler warnings, the linker and ccache: what every target of ours is built with.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
find_program(LLD ld.lld)
if(MOLD)
  add_link_options(-fuse-ld=mold)
elseif(LLD)
  add_link_options(-fuse-ld=lld)
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)

add_library(everfold_flags INTERFACE)
target_compile_options(everfold_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wswitch-enum -Wshadow -Wnon-virtual-dtor -Werror)
target_include_directories(everfold_flags INTERFACE ${CMAKE_SOURCE_DIR})

# everfold_library(NAME SOURCES… LINK …): a static library of ours, warnings on.
function(everfold_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC everfold_flags ${arg_LINK})
endfunction()

# everfold_program(NAME SOURCES… LINK …): one of the programs, put into build/<preset>/bin.
function(everfold_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE everfold_flags ${arg_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# everfold_test(NAME LAYER SOURCES… LINK …): a GoogleTest program; LAYER is the label that `./dev test LAYER` selects.
function(everfold_test name layer)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE everfold_flags ${arg_LINK} GTest::gtest_main GTest::gmock)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${layer} TIMEOUT 300)
endfunction()

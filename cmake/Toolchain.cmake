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

# Off in the preset `release`, which no test builds: what only its optimizer warns of must not keep a shop from its build.
option(EVERFOLD_WERROR "A warning is an error" ON)

add_library(everfold_flags INTERFACE)
target_compile_options(everfold_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wswitch-enum -Wshadow -Wnon-virtual-dtor $<$<BOOL:${EVERFOLD_WERROR}>:-Werror>)
target_include_directories(everfold_flags INTERFACE ${CMAKE_SOURCE_DIR})

# everfold_library(NAME SOURCES… LINK …): a static library of ours, warnings on.
function(everfold_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC everfold_flags ${arg_LINK})
endfunction()

# In the preset `tsan`, see the file.
if(EVERFOLD_TSAN)
  set(c11_threads c11_threads)
  add_library(c11_threads OBJECT ${CMAKE_SOURCE_DIR}/tests/tsan/c11_threads.cpp)
  target_link_libraries(c11_threads PRIVATE everfold_flags)
endif()

# everfold_program(NAME SOURCES… LINK …): one of the programs, put into build/<preset>/bin.
function(everfold_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE everfold_flags ${arg_LINK} ${c11_threads})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# What the whole suite also runs in the presets of the sanitizers: every test program of ours in `asan`, those with
# threads in `tsan`. There they are a label and a target.
add_custom_target(asan_tests)
add_custom_target(tsan_tests)

# everfold_test(NAME LAYER [THREADS] SOURCES… LINK …): a GoogleTest program; LAYER is the label that `./dev test LAYER`
# selects.
function(everfold_test name layer)
  cmake_parse_arguments(arg "THREADS" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE everfold_flags ${arg_LINK} GTest::gtest_main GTest::gmock ${c11_threads})
  add_test(NAME ${name} COMMAND ${name})
  set(labels ${layer} asan)
  add_dependencies(asan_tests ${name})
  if(arg_THREADS)
    list(APPEND labels tsan)
    add_dependencies(tsan_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 300)
endfunction()

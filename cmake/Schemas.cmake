# everfold_schema(NAME [FOLDER schemas] LINK …): the Protobuf messages of one context (FOLDER/NAME/v1/*.proto, v2 …) as library
# schema_NAME. Generated code is SYSTEM: our warnings are not for it.
function(everfold_schema name)
  cmake_parse_arguments(arg "" "FOLDER" "LINK" ${ARGN})
  if(NOT arg_FOLDER)
    set(arg_FOLDER schemas)
  endif()
  file(GLOB protos CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${arg_FOLDER}/${name}/v*/*.proto)
  set(out ${CMAKE_BINARY_DIR}/schemas)
  set(generated)
  foreach(proto ${protos})
    string(REGEX REPLACE "[.]proto$" ".pb" base ${out}/${proto})
    add_custom_command(OUTPUT ${base}.cc ${base}.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc --cpp_out=${out} -I ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${proto}
      DEPENDS ${CMAKE_SOURCE_DIR}/${proto} VERBATIM)
    list(APPEND generated ${base}.cc ${base}.h)
  endforeach()
  add_library(schema_${name} STATIC ${generated})
  target_include_directories(schema_${name} SYSTEM PUBLIC ${out})
  target_include_directories(schema_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(schema_${name} PUBLIC protobuf::libprotobuf ${arg_LINK})
endfunction()

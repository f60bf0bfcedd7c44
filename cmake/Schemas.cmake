# everfold_schema(NAME LINK …): the Protobuf messages of one context (schemas/NAME/v1/*.proto) as library schema_NAME.
# Generated code is SYSTEM: our warnings are not for it.
function(everfold_schema name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/${name}/v1/*.proto)
  set(out ${CMAKE_BINARY_DIR}/schemas)
  set(generated)
  foreach(proto ${protos})
    get_filename_component(stem ${proto} NAME_WE)
    set(base ${out}/schemas/${name}/v1/${stem}.pb)
    add_custom_command(OUTPUT ${base}.cc ${base}.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc --cpp_out=${out} -I ${CMAKE_SOURCE_DIR} ${proto}
      DEPENDS ${proto} VERBATIM)
    list(APPEND generated ${base}.cc ${base}.h)
  endforeach()
  add_library(schema_${name} STATIC ${generated})
  target_include_directories(schema_${name} SYSTEM PUBLIC ${out})
  target_include_directories(schema_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(schema_${name} PUBLIC protobuf::libprotobuf ${arg_LINK})
endfunction()

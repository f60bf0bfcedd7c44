# How commands come in over HTTP. Deciders stay pure: only routes and the edge see platform/.
everfold_library(command_edge SOURCES edge/call.cpp edge/edge.cpp
  LINK everfold_runtime everfold_http everfold_json everfold_auth)

foreach(context ${EVERFOLD_CONTEXTS})
  everfold_library(routes_${context} SOURCES ${context}/routes.cpp LINK command_edge decider_${context})
endforeach()
target_sources(routes_carts PRIVATE carts/checkout.cpp carts/ownership.cpp carts/products.cpp)
target_link_libraries(routes_carts PUBLIC decider_catalog saga_translators)

list(TRANSFORM EVERFOLD_CONTEXTS PREPEND routes_ OUTPUT_VARIABLE routes)
everfold_library(command_routes SOURCES contexts.cpp routes.cpp LINK ${routes})

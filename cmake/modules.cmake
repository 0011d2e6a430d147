# One static library per directory; its link line is the proof of layering:
# what is not named here cannot be reached.
function(pp_module name dir)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.c)
	if(sources)
		add_library(${name} STATIC ${sources})
		target_link_libraries(${name} PUBLIC ${ARGN})
	else()
		add_library(${name} INTERFACE)
		target_link_libraries(${name} INTERFACE ${ARGN})
	endif()
endfunction()

pp_module(pp_util common/util PkgConfig::SODIUM)
pp_module(pp_wire common/wire pp_util)
pp_module(pp_mime common/mime pp_util PkgConfig::IDN2 PkgConfig::UTF8PROC)
pp_module(pp_conf common/conf pp_util PkgConfig::INIH)
pp_module(pp_auth common/auth pp_util PkgConfig::SODIUM PkgConfig::UTF8PROC PkgConfig::SSL)
pp_module(pp_net common/net pp_util PkgConfig::UV PkgConfig::SSL PkgConfig::ZLIB
	PkgConfig::CURL PkgConfig::SECCOMP Threads::Threads)
pp_module(pp_policy common/policy pp_mime PkgConfig::SSL)
pp_module(pp_dns common/dns pp_policy pp_net PkgConfig::SODIUM ${UNBOUND_LIBRARY})
pp_module(pp_store common/store pp_mime PkgConfig::SQLITE PkgConfig::ZSTD
	PkgConfig::SODIUM Threads::Threads m)
pp_module(pp_authority common/authority pp_net PkgConfig::JANSSON)
pp_module(pp_daemon common/daemon pp_conf pp_net pp_store)
pp_module(pp_control common/control pp_store pp_auth pp_policy PkgConfig::JANSSON)

pp_module(pp_smtpd_proto smtpd/proto pp_wire pp_mime pp_auth)
pp_module(pp_maild_proto maild/proto pp_wire pp_mime pp_auth)
pp_module(pp_maild_relay maild/relay pp_maild_proto pp_store pp_dns pp_policy pp_daemon)
pp_module(pp_popd_proto popd/proto pp_wire pp_mime pp_auth)
pp_module(pp_popd_ops popd/ops pp_popd_proto pp_store)

# The numbered schema files are part of the program.
file(GLOB PP_SCHEMA CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schema/*/*.sql)
set(PP_SCHEMA_C ${CMAKE_BINARY_DIR}/schema_text.c)
add_custom_command(OUTPUT ${PP_SCHEMA_C}
	COMMAND ${CMAKE_COMMAND} -D OUT=${PP_SCHEMA_C} -D DIR=${CMAKE_SOURCE_DIR}/schema
		-P ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
	DEPENDS ${PP_SCHEMA} ${CMAKE_SOURCE_DIR}/cmake/embed_schema.cmake
	COMMENT "Embedding the schema")
add_library(pp_schema STATIC ${PP_SCHEMA_C})
target_link_libraries(pp_store PUBLIC pp_schema)

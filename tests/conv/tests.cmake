# tests/conv/run_NAME.c plays conversation files against one engine; it links
# the engines whose headers it includes.  NAME_host*.c: its host, on a store.
# ctest: conv.NAME.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/conv/run_*.c)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	string(REGEX REPLACE "^run_" "" name ${name})
	file(GLOB host CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/conv/${name}_host*.c)
	add_executable(conv_${name} ${source} ${host} conv/conv.c)
	target_link_libraries(conv_${name} PRIVATE pp_util)
	foreach(daemon smtpd maild popd)
		file(STRINGS ${source} includes REGEX "#include \"${daemon}/proto/")
		if(includes)
			target_link_libraries(conv_${name} PRIVATE pp_${daemon}_proto)
		endif()
	endforeach()
	if(host) # it has a store of its own
		target_link_libraries(conv_${name} PRIVATE pp_popd_ops)
	endif()
	add_test(NAME conv.${name} COMMAND conv_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(conv.${name} PROPERTIES LABELS conv TIMEOUT 1800)
endforeach()

# The same conversations over TCP and TLS against the real popd.
if(TARGET popd)
	add_executable(pop3_fixture conv/pop3_fixture.c)
	target_link_libraries(pop3_fixture PRIVATE pp_store pp_net)
	add_test(NAME conv.pop3_over_tcp COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/conv/pop3_over_tcp.py
		$<TARGET_FILE:popd> $<TARGET_FILE:pop3_fixture>)
	set_tests_properties(conv.pop3_over_tcp PROPERTIES LABELS conv TIMEOUT 1800)
endif()
if(TARGET popd AND TARGET mailctl)
	add_test(NAME conv.imap_over_tcp COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/conv/imap_over_tcp.py
		$<TARGET_FILE:popd> $<TARGET_FILE:mailctl>)
	set_tests_properties(conv.imap_over_tcp PROPERTIES LABELS conv TIMEOUT 600)
endif()

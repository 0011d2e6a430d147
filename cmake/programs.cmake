# The three daemons and the control command.
function(pp_program name dir)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.c
		${CMAKE_SOURCE_DIR}/${dir}/auth/*.c)
	if(sources)
		add_executable(${name} ${sources})
		target_link_libraries(${name} PRIVATE ${ARGN})
		set_target_properties(${name} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
	endif()
endfunction()

pp_program(smtpd smtpd pp_smtpd_proto pp_daemon pp_authority pp_dns pp_policy)
pp_program(maild maild pp_maild_relay pp_daemon pp_control pp_dns pp_policy PkgConfig::JANSSON)
pp_program(popd popd pp_popd_ops pp_popd_proto pp_daemon pp_authority)
pp_program(mailctl mailctl pp_control pp_wire pp_dns pp_policy pp_daemon pp_conf PkgConfig::JANSSON)

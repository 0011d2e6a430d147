# Many, slow, wrong and lasting clients: scripts/load; ctest runs a short version.
add_executable(login_load ${CMAKE_CURRENT_SOURCE_DIR}/load/login_load.c)
target_link_libraries(login_load PRIVATE bench_load PkgConfig::SSL Threads::Threads)
if(TARGET smtpd AND TARGET maild AND TARGET popd AND TARGET mailctl)
	set_target_properties(smtp_load PROPERTIES EXCLUDE_FROM_ALL FALSE)
	# What these ask holds on any machine: nothing lost, all answered, files closed.
	foreach(part idle logins slow soak)
		add_test(NAME load.${part}
			COMMAND ${PP_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/load/run.py ${part} --quick
			WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		set_tests_properties(load.${part} PROPERTIES LABELS load TIMEOUT 1800
			ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
	endforeach()
endif()

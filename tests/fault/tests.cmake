# Faults: a SQLite VFS that fails when told to, and processes that are killed.
foreach(name io_error wal_rule crash)
	add_executable(fault_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fault/test_${name}.c
		${CMAKE_CURRENT_SOURCE_DIR}/fault/faulty_vfs.c)
	target_link_libraries(fault_${name} PRIVATE pp_store)
	add_test(NAME fault.${name} COMMAND fault_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault.${name} PROPERTIES LABELS fault TIMEOUT 1800)
endforeach()
# Whole servers whose daemons are killed under load.  More kills:
# tests/fault/test_kill.py --kills 500 (docs/measuring.md).
if(TARGET smtpd AND TARGET maild AND TARGET popd AND TARGET mailctl)
	add_test(NAME fault.kill COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/fault/test_kill.py --kills 10
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	add_test(NAME fault.relay_kill
		COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider -rs
			${CMAKE_CURRENT_SOURCE_DIR}/fault/test_relay_kill.py
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault.kill fault.relay_kill PROPERTIES LABELS fault TIMEOUT 1800
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endif()

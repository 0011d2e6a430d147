# Many sessions at once, each answer judged.  Longer: docs/measuring.md.
if(TARGET smtpd AND TARGET maild AND TARGET popd AND TARGET mailctl)
	add_test(NAME stress.imap COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/stress/test_imap.py --seconds 60
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(stress.imap PROPERTIES LABELS stress TIMEOUT 3600
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endif()

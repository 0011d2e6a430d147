# Whole servers and real clients: one ctest entry per file of tests.
file(GLOB e2e CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_*.py)
foreach(source ${e2e})
	get_filename_component(name ${source} NAME_WE)
	string(REGEX REPLACE "^test_" "" name ${name})
	add_test(NAME e2e.${name}
		COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider -rs ${source}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(e2e.${name} PROPERTIES LABELS e2e TIMEOUT 1800
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endforeach()

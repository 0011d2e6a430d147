# Hostile peers (docs/security.md): one ctest entry per file of tests.
file(GLOB attacks CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/attacks/test_*.py)
foreach(source ${attacks})
	get_filename_component(name ${source} NAME_WE)
	string(REGEX REPLACE "^test_" "" name ${name})
	add_test(NAME attacks.${name}
		COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider -rs ${source}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(attacks.${name} PROPERTIES LABELS attacks TIMEOUT 1800
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endforeach()

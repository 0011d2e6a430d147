# Other people's servers: those that are installed, or unpacked where
# PENNYPOST_PEERS says (scripts/interop); the others are skipped.
add_test(NAME interop.mtas
	COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider -rs
		${CMAKE_CURRENT_SOURCE_DIR}/interop/test_interop.py
	WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(interop.mtas PROPERTIES LABELS interop TIMEOUT 1800
	ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")

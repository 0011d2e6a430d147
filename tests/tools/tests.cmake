# Rules about the tree itself, as tests.
function(pp_tool name)
	add_test(NAME tools.${name} COMMAND ${PP_PYTHON}
		${CMAKE_SOURCE_DIR}/tests/tools/${name}.py ${CMAKE_SOURCE_DIR} ${ARGN})
	set_tests_properties(tools.${name} PROPERTIES
		LABELS tools TIMEOUT 1800 SKIP_RETURN_CODE 77)
endfunction()

pp_tool(layers)
pp_tool(headers ${CMAKE_C_COMPILER})
pp_tool(format)
pp_tool(words)
pp_tool(rfc)
pp_tool(units)
add_test(NAME tools.man COMMAND
	${CMAKE_SOURCE_DIR}/tests/tools/man_lint.sh ${CMAKE_SOURCE_DIR}/docs/man)
set_tests_properties(tools.man PROPERTIES LABELS tools SKIP_RETURN_CODE 77)

# The same messages read by us and by Dovecot.
add_executable(structure_dump ${CMAKE_CURRENT_SOURCE_DIR}/differential/structure_dump.c)
target_link_libraries(structure_dump PRIVATE pp_mime)
add_test(NAME differential.structure COMMAND ${PP_PYTHON}
	${CMAKE_CURRENT_SOURCE_DIR}/differential/structure.py $<TARGET_FILE:structure_dump>)
set_tests_properties(differential.structure PROPERTIES LABELS differential
	TIMEOUT 900 SKIP_RETURN_CODE 77 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")

# The whole server and Dovecot, on messages of our own: search.py says how to
# run it over the corpus.
if(TARGET popd AND TARGET mailctl)
	add_test(NAME differential.search COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/differential/search.py $<TARGET_FILE_DIR:popd>
		--own --searches 600 --seed 1)
	set_tests_properties(differential.search PROPERTIES LABELS conv
		TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endif()

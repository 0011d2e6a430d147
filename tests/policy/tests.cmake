# Sender authentication over suites of others: probe_X.c reads zones and inputs
# and prints what we find; test_X.py (pytest) compares.  Suites that are not
# part of this project are found by PENNYPOST_CORPUS, and skipped without it.
set(policy_dir ${CMAKE_CURRENT_SOURCE_DIR}/policy)
add_library(policy_zone STATIC ${policy_dir}/zone.c)
target_link_libraries(policy_zone PUBLIC pp_policy)

file(GLOB sources CONFIGURE_DEPENDS ${policy_dir}/probe_*.c)
set(policy_probes)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	add_executable(${name} ${source})
	target_link_libraries(${name} PRIVATE policy_zone)
	list(APPEND policy_probes ${name})
endforeach()
if(policy_probes)
	add_custom_target(policy_probes DEPENDS ${policy_probes})
endif()

# Unit tests of policy answer questions from a zone, too.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/unit/policy/test_*.c)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	target_link_libraries(policy_${name} PRIVATE policy_zone)
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${policy_dir}/test_*.py)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	string(REGEX REPLACE "^test_" "" name ${name})
	add_test(NAME policy.${name} COMMAND ${PP_PYTHON} -m pytest -q
		-p no:cacheprovider ${source} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(policy.${name} PROPERTIES LABELS policy TIMEOUT 1800
		ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;PP_BUILD=${CMAKE_CURRENT_BINARY_DIR}")
endforeach()

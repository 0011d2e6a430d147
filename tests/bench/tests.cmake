# Benchmarks: built when asked for, in a release build with -DPP_TESTS=ON.
foreach(name store_bench store_fill)
	add_executable(${name} EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.c)
	target_link_libraries(${name} PRIVATE pp_store)
endforeach()
# Load generators; scripts/bench builds and runs all of this.
add_library(bench_load STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/load.c)
target_link_libraries(bench_load PUBLIC pp_util PRIVATE PkgConfig::SSL)
add_library(bench_imap STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/imap_link.c
	${CMAKE_CURRENT_SOURCE_DIR}/bench/mail.c)
target_link_libraries(bench_imap PUBLIC bench_load)
foreach(name smtp_load pop3_load idle_load limits)
	add_executable(${name} EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.c)
	target_link_libraries(${name} PRIVATE bench_load)
endforeach()
target_sources(smtp_load PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/bench/letter.c)
target_link_libraries(limits PRIVATE PkgConfig::SQLITE)
foreach(name imap_load seen_load steps_load)
	add_executable(${name} EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.c)
	target_link_libraries(${name} PRIVATE bench_imap)
endforeach()
if(TARGET smtpd AND TARGET maild AND TARGET popd AND TARGET mailctl)
	set_target_properties(smtp_load pop3_load PROPERTIES EXCLUDE_FROM_ALL FALSE)
	# No speed is asserted: the tools work, and the report is right.
	add_test(NAME bench.report
		COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/bench/test_bench.py
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(bench.report PROPERTIES LABELS bench TIMEOUT 1800
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endif()

# Benchmarks: built when asked for, in a release build with -DPP_TESTS=ON.
add_executable(store_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/store_bench.c)
target_link_libraries(store_bench PRIVATE pp_store)
# Load generators; scripts/bench builds and runs all of this.
add_library(bench_load STATIC EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/load.c)
target_link_libraries(bench_load PUBLIC pp_util)
foreach(name smtp_load pop3_load)
	add_executable(${name} EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/${name}.c)
	target_link_libraries(${name} PRIVATE bench_load)
endforeach()
add_executable(imap_load EXCLUDE_FROM_ALL ${CMAKE_CURRENT_SOURCE_DIR}/bench/imap_load.c
	${CMAKE_CURRENT_SOURCE_DIR}/bench/imap_link.c ${CMAKE_CURRENT_SOURCE_DIR}/bench/mail.c)
target_link_libraries(imap_load PRIVATE bench_load)

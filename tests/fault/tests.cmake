# Faults: a SQLite VFS and system calls that fail when told to, and processes
# that are killed.  fault_rig is what breaks things, and the acts to be broken.
set(PP_FAULT ${CMAKE_CURRENT_SOURCE_DIR}/fault)
add_library(fault_rig OBJECT ${PP_FAULT}/faulty.c ${PP_FAULT}/faulty_vfs.c
	${PP_FAULT}/faulty_files.c ${PP_FAULT}/world.c ${PP_FAULT}/world_look.c ${PP_FAULT}/trial.c
	${PP_FAULT}/acts.c ${PP_FAULT}/acts_arrive.c ${PP_FAULT}/acts_leave.c
	${PP_FAULT}/acts_mailbox.c ${PP_FAULT}/acts_upkeep.c ${PP_FAULT}/acts_open.c
	${PP_FAULT}/acts_random.c ${PP_FAULT}/acts_backup.c ${PP_FAULT}/film.c ${PP_FAULT}/film_cut.c)
target_link_libraries(fault_rig PUBLIC pp_store ${CMAKE_DL_LIBS})
foreach(name io_error wal_rule crash power_cut)
	add_executable(fault_${name} ${PP_FAULT}/test_${name}.c)
	target_link_libraries(fault_${name} PRIVATE fault_rig)
	add_test(NAME fault.${name} COMMAND fault_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault.${name} PROPERTIES LABELS fault TIMEOUT 1800)
endforeach()
# That the power cut's test finds what is wrong: each of these must lose mail.
foreach(what log db object folder full)
	add_test(NAME fault.power_cut_without_${what} COMMAND fault_power_cut
		--images 300 --without-sync ${what} --expect-loss
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault.power_cut_without_${what} PROPERTIES
		LABELS fault TIMEOUT 1800)
endforeach()
# No memory: SQLite's, ours, OpenSSL's and libuv's.  And kill -9 at each step.
foreach(name malloc_store kill_step)
	add_executable(fault_${name} ${PP_FAULT}/test_${name}.c
		${PP_FAULT}/failing_mem.c)
	target_link_libraries(fault_${name} PRIVATE fault_rig)
endforeach()
add_executable(fault_malloc_net ${PP_FAULT}/test_malloc_net.c
	${PP_FAULT}/failing_mem.c)
target_link_libraries(fault_malloc_net PRIVATE pp_net)
foreach(name kill_step malloc_net)
	target_link_options(fault_${name} PRIVATE
		-Wl,--wrap=calloc,--wrap=reallocarray)
endforeach()
foreach(name malloc_store malloc_net kill_step)
	add_test(NAME fault.${name} COMMAND fault_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault.${name} PROPERTIES LABELS fault TIMEOUT 1800)
endforeach()
# Whole servers whose daemons are killed under load.  More kills:
# tests/fault/test_kill.py --kills 10000 (docs/measuring.md).
if(TARGET smtpd AND TARGET maild AND TARGET popd AND TARGET mailctl)
	add_test(NAME fault.kill COMMAND ${PP_PYTHON}
		${CMAKE_CURRENT_SOURCE_DIR}/fault/test_kill.py --kills 10
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	foreach(name relay_kill clock full_disk)
		add_test(NAME fault.${name}
			COMMAND ${PP_PYTHON} -m pytest -q -p no:cacheprovider -rs
				${PP_FAULT}/test_${name}.py
			WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	endforeach()
	set_tests_properties(fault.kill fault.relay_kill fault.clock fault.full_disk
		PROPERTIES LABELS fault TIMEOUT 1800
		ENVIRONMENT "PENNYPOST_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1")
endif()

# The relay: tests/unit/maild/test_X.c, each with a world of its own.
add_library(pp_maild_world STATIC EXCLUDE_FROM_ALL unit/maild/world.c
	unit/maild/mx_actor.c)
target_link_libraries(pp_maild_world PUBLIC pp_maild_relay)
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/maild/test_*.c)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	add_executable(maild_${name} ${source})
	target_link_libraries(maild_${name} PRIVATE pp_maild_world)
	add_test(NAME unit.maild.${name} COMMAND maild_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(unit.maild.${name} PROPERTIES LABELS unit TIMEOUT 1800)
endforeach()
# What of mailctl can be tested without a server: tests/unit/mailctl/test_X.c.
set(dir ${CMAKE_SOURCE_DIR}/mailctl)
add_library(pp_mailctl_internet STATIC EXCLUDE_FROM_ALL ${dir}/actor.c
	${dir}/actor_rules.c ${dir}/duration.c ${dir}/internet.c
	${dir}/internet_dns.c ${dir}/internet_reading.c ${dir}/internet_reply.c
	${dir}/internet_server.c ${dir}/json_place.c ${dir}/rrtext.c)
target_link_libraries(pp_mailctl_internet PUBLIC pp_dns pp_net pp_wire
	PkgConfig::JANSSON)
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/mailctl/test_*.c)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	add_executable(mailctl_${name} ${source})
	target_link_libraries(mailctl_${name} PRIVATE pp_mailctl_internet)
	add_test(NAME unit.mailctl.${name} COMMAND mailctl_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(unit.mailctl.${name} PROPERTIES LABELS unit TIMEOUT 1800)
endforeach()

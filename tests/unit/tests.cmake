# The relay side of maild without its main(): tests/unit/maild/test_X.c, each
# with a world of its own.
file(GLOB relay CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/maild/relay*.c)
set(dir ${CMAKE_SOURCE_DIR}/maild)
add_library(pp_maild_relay STATIC EXCLUDE_FROM_ALL ${relay} ${dir}/mx.c
	${dir}/destination.c ${dir}/bounce.c unit/maild/world.c
	unit/maild/mx_actor.c)
target_link_libraries(pp_maild_relay PUBLIC pp_maild_proto pp_store pp_dns
	pp_net pp_conf pp_daemon)
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/maild/test_*.c)
foreach(source ${sources})
	get_filename_component(name ${source} NAME_WE)
	add_executable(maild_${name} ${source})
	target_link_libraries(maild_${name} PRIVATE pp_maild_relay)
	add_test(NAME unit.maild.${name} COMMAND maild_${name}
		WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(unit.maild.${name} PROPERTIES LABELS unit TIMEOUT 1800)
endforeach()

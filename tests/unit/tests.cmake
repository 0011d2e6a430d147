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

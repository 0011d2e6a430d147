# Stores that earlier versions made.
add_executable(upgrade_test_upgrade ${CMAKE_CURRENT_SOURCE_DIR}/upgrade/test_upgrade.c)
target_link_libraries(upgrade_test_upgrade PRIVATE pp_store)
add_test(NAME upgrade.schemas COMMAND upgrade_test_upgrade)
set_tests_properties(upgrade.schemas PROPERTIES LABELS unit TIMEOUT 1800)

# Fuzzers: tests/fuzz/MODULE/fuzz_X.c links pp_MODULE and what is below it; other
# files of that directory help all of them.  Preset fuzz (clang) makes each a
# program of libFuzzer; every other build makes of a module's targets one
# program, fuzz_replay_MODULE, and ctest runs the kept corpus through it:
# fuzz.replay.MODULE.
set(fuzz_dir ${CMAKE_CURRENT_SOURCE_DIR}/fuzz)

# What mailctl reads, without what it is read for.
set(dir ${CMAKE_SOURCE_DIR}/mailctl)
add_library(pp_mailctl STATIC EXCLUDE_FROM_ALL ${dir}/actor_rules.c
	${dir}/duration.c ${dir}/import_fields.c ${dir}/import_message.c
	${dir}/import_name.c ${dir}/internet.c ${dir}/internet_dns.c
	${dir}/internet_reading.c ${dir}/internet_reply.c
	${dir}/internet_server.c ${dir}/json_place.c ${dir}/rrtext.c)
target_link_libraries(pp_mailctl PUBLIC pp_dns pp_net pp_wire pp_store
	PkgConfig::JANSSON)

# What the relay reads of DNS and replies; the rest of it is no parser.
set(dir ${CMAKE_SOURCE_DIR}/maild/relay)
add_library(pp_relay_words STATIC EXCLUDE_FROM_ALL ${dir}/advice.c ${dir}/txt.c)
target_link_libraries(pp_relay_words PUBLIC pp_dns)

foreach(module util wire mime conf auth policy net dns store control
		smtpd_proto maild_proto relay_words popd_proto popd_ops mailctl)
	file(GLOB sources CONFIGURE_DEPENDS ${fuzz_dir}/${module}/fuzz_*.c)
	file(GLOB helpers CONFIGURE_DEPENDS ${fuzz_dir}/${module}/*.c)
	list(REMOVE_ITEM helpers ${sources})
	if(module STREQUAL popd_ops) # sessions on a store
		list(APPEND helpers ${CMAKE_CURRENT_SOURCE_DIR}/conv/imap_host.c
			${fuzz_dir}/popd_proto/imap_responses.c)
	endif()
	set(libraries pp_${module})
	if(module STREQUAL policy) # reads the JSON that it writes
		list(APPEND libraries PkgConfig::JANSSON)
	endif()
	if(helpers)
		add_library(fuzz_help_${module} STATIC ${helpers})
		target_link_libraries(fuzz_help_${module} PUBLIC ${libraries})
		list(APPEND libraries fuzz_help_${module})
	endif()
	set(table)
	foreach(source ${sources})
		get_filename_component(name ${source} NAME_WE)
		if(PP_FUZZ)
			add_executable(${name} ${source})
			target_link_libraries(${name} PRIVATE ${libraries})
			target_link_options(${name} PRIVATE -fsanitize=fuzzer)
		else()
			set_source_files_properties(${source} PROPERTIES
				COMPILE_DEFINITIONS LLVMFuzzerTestOneInput=${name})
			string(APPEND table "T(${name})")
		endif()
	endforeach()
	if(NOT PP_FUZZ AND sources)
		set(replay fuzz_replay_${module})
		add_executable(${replay} ${fuzz_dir}/replay.c ${sources})
		target_compile_definitions(${replay} PRIVATE "FUZZ_TARGETS=${table}")
		target_link_libraries(${replay} PRIVATE ${libraries})
		add_test(NAME fuzz.replay.${module} COMMAND ${replay}
			${fuzz_dir}/corpus)
		set_tests_properties(fuzz.replay.${module} PROPERTIES LABELS fuzz
			TIMEOUT 1800)
	endif()
endforeach()

# Two parsers of MIME over messages that people wrote.
add_executable(structure_corpus ${fuzz_dir}/structure_corpus.c)
target_link_libraries(structure_corpus PRIVATE fuzz_help_mime)
if(PP_TESTS)
	add_test(NAME fuzz.structure_corpus COMMAND structure_corpus)
	set_tests_properties(fuzz.structure_corpus PROPERTIES LABELS fuzz
		TIMEOUT 1800 SKIP_RETURN_CODE 77)
endif()

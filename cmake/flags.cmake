# One place for every compiler flag.
add_compile_definitions(_GNU_SOURCE PP_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
	-Wimplicit-fallthrough -Werror -fno-common -fstack-protector-strong
	-include ${CMAKE_SOURCE_DIR}/common/util/banned.h)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	# uthash's macros fall through on purpose, and Clang takes no comment
	# for a sign of it; GCC, which does, looks at all of ours
	add_compile_options(-Wno-implicit-fallthrough)
endif()
include_directories(${CMAKE_SOURCE_DIR})
if(CMAKE_BUILD_TYPE STREQUAL "Release")
	# asserts stay: they are part of the program
	set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
	add_compile_options(-D_FORTIFY_SOURCE=2)
	set(CMAKE_POSITION_INDEPENDENT_CODE ON)
	add_link_options(-Wl,-z,relro,-z,now -pie)
endif()
if(PP_SANITIZE OR PP_FUZZ)
	add_compile_options(-g -O1 -fno-omit-frame-pointer
		-fsanitize=address,undefined -fno-sanitize-recover=all)
	add_link_options(-fsanitize=address,undefined)
endif()
if(PP_TSAN)
	add_compile_options(-g -O1 -fno-omit-frame-pointer -fsanitize=thread)
	add_link_options(-fsanitize=thread)
endif()
if(PP_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(PP_COVERAGE)
	add_compile_options(--coverage -O0 -g)
	add_compile_definitions(PP_COVERAGE_DIR="${CMAKE_BINARY_DIR}")
	add_link_options(--coverage)
endif()

# One interface target carries the flags, so that no folder can forget them.
add_library(walferry_flags INTERFACE)
target_compile_options(walferry_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -fstack-protector-strong)
target_compile_definitions(walferry_flags INTERFACE _FILE_OFFSET_BITS=64 WALFERRY_VERSION="${PROJECT_VERSION}")
target_include_directories(walferry_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(WALFERRY_WERROR)
  target_compile_options(walferry_flags INTERFACE -Werror)
endif()
if(WALFERRY_SANITIZE)
  # The sanitizers' own code makes g++ 12 see uninitialised values that are not there.
  target_compile_options(walferry_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_compile_options(walferry_flags INTERFACE -fsanitize=${WALFERRY_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(walferry_flags INTERFACE -fsanitize=${WALFERRY_SANITIZE})
else()
  target_compile_definitions(walferry_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  target_link_options(walferry_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

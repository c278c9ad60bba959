# The inner loops of the CPU backend, once per instruction set. No contraction: what is fused is written so, and a tail gets
# the bits of a whole vector.
set(on_x86 OFF)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(on_x86 ON)
endif()

function(braggrad_add_level name)
  set(objects braggrad_${name})
  add_library(${objects} OBJECT src/cpu/simd/fit.cpp src/cpu/simd/level.cpp)
  string(TOUPPER ${name} upper)
  target_compile_definitions(${objects} PRIVATE BRG_LEVEL=${name} BRG_LEVEL_${upper})
  target_compile_options(${objects} PRIVATE -ffp-contract=off ${ARGN}
    # Structs of vectors stay in registers: gcc's limit for taking a struct apart is smaller than one vector of pairs.
    $<$<CXX_COMPILER_ID:GNU>:SHELL:--param sra-max-scalarization-size-Ospeed=4096>
    # Sums are cleared by vectors: gcc sees memset, and string instructions take longer to start than a loop here runs.
    $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${on_x86}>>:-mmemset-strategy=vector_loop:4096:noalign$<COMMA>libcall:-1:noalign>)
  target_include_directories(${objects} PRIVATE include src)
  target_include_directories(${objects} SYSTEM PRIVATE ${BRAGGRAD_HIGHWAY_INCLUDE})
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  braggrad_compile_options(${objects})
  target_sources(braggrad PRIVATE $<TARGET_OBJECTS:${objects}>)
  target_compile_definitions(braggrad PRIVATE BRG_HAS_${upper})
  set_property(GLOBAL APPEND PROPERTY BRAGGRAD_LEVELS ${name})
endfunction()

find_path(BRAGGRAD_HIGHWAY_INCLUDE hwy/highway.h REQUIRED)
braggrad_add_level(scalar)
if(on_x86)
  braggrad_add_level(sse4 -march=x86-64-v2 -maes -mpclmul)
  braggrad_add_level(avx2 -march=x86-64-v3 -maes -mpclmul)
  braggrad_add_level(avx512 -march=x86-64-v4 -maes -mpclmul)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  braggrad_add_level(neon -march=armv8-a+crypto)
endif()

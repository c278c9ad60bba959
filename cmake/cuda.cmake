# The CUDA backend of target `braggrad`. Included where CUDA is wanted.
#
#   BRAGGRAD_CUDA_ARCHITECTURES  as CMAKE_CUDA_ARCHITECTURES. Default "80": code for compute capability 8.0, and PTX that the
#                                driver translates for newer devices
#   BRAGGRAD_CUDA_RUNTIME        Static (default): the library has cudart inside and loads on machines without a driver
#   BRAGGRAD_CUDA_LINEINFO       source lines for profilers and checkers
#   BRAGGRAD_CUDA_DEBUG          device debugging (-G)
#   BRAGGRAD_CUDA_COMPRESS       packed device code
set(BRAGGRAD_CUDA_ARCHITECTURES "80" CACHE STRING "CUDA architectures, as in CMAKE_CUDA_ARCHITECTURES")
set(BRAGGRAD_CUDA_RUNTIME Static CACHE STRING "CUDA runtime: Static or Shared")
set_property(CACHE BRAGGRAD_CUDA_RUNTIME PROPERTY STRINGS Static Shared)
option(BRAGGRAD_CUDA_LINEINFO "Source lines in device code" OFF)
option(BRAGGRAD_CUDA_DEBUG "Device debugging: -G, no optimisation" OFF)
option(BRAGGRAD_CUDA_COMPRESS "Compress device code" ON)

# An architecture must be there before the language is: CMake compiles its trial programs for it.
set(CMAKE_CUDA_ARCHITECTURES ${BRAGGRAD_CUDA_ARCHITECTURES})
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # not known to CMake before 3.25.2
endif()
find_package(CUDAToolkit 13.0 REQUIRED)

set(cuda_options -Xcompiler=-Wall,-Wextra)
if(BRAGGRAD_WERROR)
  list(APPEND cuda_options --Werror=all-warnings -Xcompiler=-Werror)
endif()
if(BRAGGRAD_CUDA_DEBUG)
  list(APPEND cuda_options -G)
elseif(BRAGGRAD_CUDA_LINEINFO)
  list(APPEND cuda_options -lineinfo)
endif()
if(BRAGGRAD_CUDA_COMPRESS)
  list(APPEND cuda_options --compress-mode=size)
else()
  list(APPEND cuda_options --no-compress)
endif()

# Translation units: the sources, and definitions for them.
function(braggrad_add_kernels name definitions)
  set(objects braggrad_cuda_${name})
  add_library(${objects} OBJECT ${ARGN})
  # Our copies of Thrust and CUB, and nobody else's, serve this library.
  target_compile_definitions(${objects} PRIVATE ${definitions} THRUST_CUB_WRAPPED_NAMESPACE=braggrad_cccl)
  target_compile_options(${objects} PRIVATE ${cuda_options})
  target_include_directories(${objects} PRIVATE include src ${PROJECT_SOURCE_DIR})
  set_target_properties(${objects} PROPERTIES
    POSITION_INDEPENDENT_CODE ON
    CUDA_ARCHITECTURES "${BRAGGRAD_CUDA_ARCHITECTURES}"
    CUDA_SEPARABLE_COMPILATION OFF
    CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  braggrad_compile_options(${objects})
  target_sources(braggrad PRIVATE $<TARGET_OBJECTS:${objects}>)
endfunction()
# A unit per operation and precision: quick to make side by side, and a change makes few of them anew. Small ones, which cost
# little beside their headers, are made once for both precisions.
foreach(pair f32=float f64=double)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 precision)
  list(GET pair 1 real)
  braggrad_add_kernels(${precision} BRG_REAL=${real}
    kernels/fit.cu kernels/predict.cu kernels/rotate.cu kernels/solve.cu kernels/spots.cu)
endforeach()
braggrad_add_kernels(both "" kernels/batch_sums.cu kernels/convention.cu kernels/running_sum.cu)

target_sources(braggrad PRIVATE kernels/cuda_backend.cpp kernels/cuda_device.cpp)
target_include_directories(braggrad PRIVATE ${PROJECT_SOURCE_DIR})
target_include_directories(braggrad SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
target_link_libraries(braggrad PRIVATE ${CMAKE_DL_LIBS})  # NVTX looks for the profiler

string(REPLACE ";" " " architectures "${BRAGGRAD_CUDA_ARCHITECTURES}")
string(REPLACE "-real" "" architectures "${architectures}")
set_source_files_properties(kernels/cuda_device.cpp PROPERTIES
  COMPILE_DEFINITIONS BRAGGRAD_CUDA_ARCHITECTURES="${architectures}")
set_target_properties(braggrad PROPERTIES LINKER_LANGUAGE CXX)
if(BRAGGRAD_CUDA_RUNTIME STREQUAL "Static")
  target_link_libraries(braggrad PRIVATE CUDA::cudart_static)
else()
  target_link_libraries(braggrad PRIVATE CUDA::cudart)
endif()

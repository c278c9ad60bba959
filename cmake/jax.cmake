# libbraggrad_jax for the Python package, where a Python with JAX is found: handlers of XLA's foreign function interface.
# Without it braggrad.jax calls back into Python.
set(BRAGGRAD_JAX_INCLUDE "" CACHE PATH "jax.ffi.include_dir(); empty: asked of the Python that is found")
set(jax_include ${BRAGGRAD_JAX_INCLUDE})
if(NOT jax_include)
  find_package(Python3 COMPONENTS Interpreter)
  if(Python3_FOUND)
    execute_process(COMMAND ${Python3_EXECUTABLE} -c "import jax.ffi; print(jax.ffi.include_dir())"
      OUTPUT_VARIABLE jax_include OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(jax_include)
  add_library(braggrad_jax MODULE bindings/python/jax/handlers.cpp)
  target_link_libraries(braggrad_jax PRIVATE braggrad::braggrad)
  target_include_directories(braggrad_jax SYSTEM PRIVATE ${jax_include})
  braggrad_compile_options(braggrad_jax)
  # XLA's header gives members the names of their types, which gcc refuses otherwise.
  target_compile_options(braggrad_jax PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpermissive>)
  set_target_properties(braggrad_jax PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS braggrad_jax LIBRARY DESTINATION braggrad COMPONENT python)
  set(BRAGGRAD_JAX_FOUND_INCLUDE ${jax_include})
endif()
message(STATUS "braggrad: handlers for JAX ${jax_include}")

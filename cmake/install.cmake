# Headers, library, program, CMake package and pkg-config file.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/braggrad)
install(TARGETS braggrad EXPORT braggrad-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/braggrad DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES scripts/braggrad_gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/braggrad)
install(FILES bindings/cxx/braggrad.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT braggrad-targets NAMESPACE braggrad:: DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The Fortran module goes along as source, for compilers other than the one of this build.
set(fortran_source_dir ${CMAKE_INSTALL_DATADIR}/braggrad/fortran)
install(FILES bindings/fortran/braggrad_c.f90 bindings/fortran/braggrad.f90 DESTINATION ${fortran_source_dir})

configure_package_config_file(cmake/braggrad-config.cmake.in ${PROJECT_BINARY_DIR}/braggrad-config.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS fortran_source_dir)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/braggrad-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/braggrad-config.cmake ${PROJECT_BINARY_DIR}/braggrad-config-version.cmake
  DESTINATION ${package_dir})

# Relocatable: everything follows from the place of the file itself.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/braggrad.pc.in ${PROJECT_BINARY_DIR}/braggrad.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/braggrad.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(with_fortran)
  add_subdirectory(bindings/fortran)
endif()

if(TARGET braggrad_cli)
  file(RELATIVE_PATH lib_from_bin /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  set_target_properties(braggrad_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  install(TARGETS braggrad_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# In a wheel (pyproject.toml): one file beside the modules, which load it by its path.
if(SKBUILD)
  install(FILES $<TARGET_FILE:braggrad> DESTINATION braggrad RENAME $<TARGET_SONAME_FILE_NAME:braggrad> COMPONENT python)
endif()

/* Group 1: the library itself. No function here needs a context or a device. */
#ifndef BRAGGRAD_LIBRARY_H
#define BRAGGRAD_LIBRARY_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BRG_VERSION_MAJOR 0
#define BRG_VERSION_MINOR 1
#define BRG_VERSION_PATCH 0
#define BRG_ABI_VERSION 0

/* Version of the library that is loaded, as "major.minor.patch". */
BRG_API const char *brg_version(void);

/* ABI of the library that is loaded; equal to the BRG_ABI_VERSION of the headers that go with it. */
BRG_API uint32_t brg_abi_version(void);

/* One line: compiler, CUDA toolkit or "without CUDA", architectures, SIMD. */
BRG_API const char *brg_build_info(void);

/* Name of a status code, for example "BRG_ERROR_CAPACITY"; "unknown status" for a number that is none. */
BRG_API const char *brg_status_name(brg_status status);

/* What went wrong in the last call that failed on this thread: function, argument, value seen, and for CUDA the name
 * of the error with file and line. Empty before the first failure. Valid until the next failing call on this thread. */
BRG_API const char *brg_last_error(void);

#ifdef __cplusplus
}
#endif
#endif

/* Status codes, flags and the rules that every struct of the interface follows.
 *
 * Structs. Every struct starts with `struct_size` (sizeof of the caller's struct) and `flags` (0 unless the struct's
 * comment names some). A zero in any other member means its default. A library that knows a longer struct than its
 * caller takes zeros for the members that the caller lacks; a struct that is shorter than the first release's, or
 * that has non-zero bytes beyond what the library knows, is BRG_ERROR_ABI.
 *
 *     brg_items_f64 items = {.struct_size = sizeof items, .count = n, .g = g};
 *
 * Arrays. Every array in a compute call lives in the memory of the context: host memory for the CPU, device memory
 * for CUDA. Nothing is copied behind the caller's back. A NULL output is not requested. A NULL optional input has the
 * default that stands beside it. Names with two symbol families, `_f32` and `_f64`, are identical but for the type of
 * the arrays; scalars are double in both.
 *
 * Faults. Every function that returns a brg_status returns 0 on success and never throws, prints, aborts or exits.
 * `brg_last_error` has a sentence that names the function and the argument. Faults of the arguments are found before
 * anything is launched, and leave the outputs as they were.
 */
#ifndef BRAGGRAD_TYPES_H
#define BRAGGRAD_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define BRG_API __declspec(dllimport)
#elif defined(__GNUC__)
#define BRG_API __attribute__((visibility("default")))
#else
#define BRG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t brg_status;
enum {
  BRG_SUCCESS = 0,
  BRG_ERROR_INVALID_ARGUMENT = 1, /* an argument is wrong; the message names it */
  BRG_ERROR_ABI = 2,              /* struct_size is not one that this library can read */
  BRG_ERROR_NO_DEVICE = 3,        /* the backend or the device asked for is not there */
  BRG_ERROR_WRONG_DEVICE = 4,     /* a handle belongs to another device than the context */
  BRG_ERROR_OUT_OF_MEMORY = 5,    /* host or device memory */
  BRG_ERROR_WORKSPACE = 6,        /* the caller's workspace is too small; the message names the bytes */
  BRG_ERROR_CAPACITY = 7,         /* the caller's output arrays are too small; the count needed is written */
  BRG_ERROR_CUDA = 8,     /* a CUDA call or a kernel failed; the message has CUDA's name for it, file and line */
  BRG_ERROR_FORKED = 9,   /* the context was made in a parent process; create one in the child */
  BRG_ERROR_INTERNAL = 10 /* a fault of the library */
};

/* Flags. Each struct's comment says which of them it takes; any other bit is BRG_ERROR_INVALID_ARGUMENT. */
enum {
  BRG_COLUMN_MAJOR = 1u,           /* 3x3 matrices of the call are stored by columns (Fortran's R(3,3,B) as it is) */
  BRG_MAGNITUDE_FROM_ROTATED = 2u, /* Q = |R q|^2 instead of |q|^2: another derivative by the entries of R */
  BRG_ACCUMULATE = 4u              /* add to the outputs instead of overwriting them */
};

/* Calls an init function with the size of the caller's struct: BRG_INIT(brg_geometry_init, &geometry). */
#define BRG_INIT(init, pointer) init((pointer), sizeof *(pointer))

typedef struct brg_context brg_context;
typedef struct brg_buffer brg_buffer;
typedef struct brg_reflections brg_reflections;

#ifdef __cplusplus
}
#endif
#endif

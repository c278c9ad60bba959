/* Group 2: what the machine has. */
#ifndef BRAGGRAD_DEVICE_H
#define BRAGGRAD_DEVICE_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t brg_backend;
enum {
  BRG_BACKEND_AUTO = 0, /* CUDA where it is usable, else the CPU; BRAGGRAD_BACKEND=cpu|cuda|cuda:N decides if set */
  BRG_BACKEND_CPU = 1,
  BRG_BACKEND_CUDA = 2
};

typedef struct brg_device_properties {
  uint32_t struct_size, flags; /* no flags */
  char name[128];
  brg_backend backend;
  int32_t device;             /* index, 0 for the CPU */
  int32_t compute_capability; /* 10 major + minor; 0 for the CPU */
  int32_t units;              /* multiprocessors; for the CPU the cores that this process may use */
  int64_t memory_bytes;       /* device memory; for the CPU the machine's */
} brg_device_properties;

/* 1 if a context of this backend can be created here, else 0. AUTO is always available. Never fails. */
BRG_API int32_t brg_backend_available(brg_backend backend);

/* Number of devices of a backend: 1 for the CPU, 0 for CUDA without toolkit, driver or device. For AUTO: that of the
 * backend which AUTO would take. Errors: INVALID_ARGUMENT (unknown backend, NULL count). */
BRG_API brg_status brg_device_count(brg_backend backend, int32_t *count);

/* Properties of one device; `properties->struct_size` is set by the caller. Errors: INVALID_ARGUMENT, ABI, NO_DEVICE. */
BRG_API brg_status brg_device_info(brg_backend backend, int32_t device, brg_device_properties *properties);

#ifdef __cplusplus
}
#endif
#endif

/* Group 3: contexts. A context is a backend, a device, a stream and a workspace. It belongs to one thread at a time;
 * several contexts run in parallel. There is no other state in the library.
 *
 * Synchronisation. Compute calls on the CPU return when they are done. On CUDA they return when the work is in the
 * stream of the context. Calls that wait for the device: brg_context_synchronize, brg_context_destroy,
 * brg_buffer_upload, brg_buffer_download, brg_buffer_destroy, brg_reflections_create, brg_reflections_create_from_vectors,
 * brg_reflections_destroy, and brg_predict_spots_* where its count is asked for.
 *
 * Streams. A context has a non-blocking stream of its own. No call uses the legacy default stream unless it was set.
 * The workspace is ordered by the stream: when the stream changes, the new one waits for the old one's work (not
 * while either is captured: there the caller orders them).
 */
#ifndef BRAGGRAD_CONTEXT_H
#define BRAGGRAD_CONTEXT_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brg_context_options {
  uint32_t struct_size, flags;  /* no flags */
  brg_backend backend;          /* default BRG_BACKEND_AUTO */
  int32_t device;               /* CUDA device, default 0 */
  int32_t threads;              /* CPU threads; 0: all cores this process may use; 1: none but the caller's */
  int32_t reserved;             /* 0 */
  int64_t max_pairs_per_launch; /* larger batches are split; 0: 2^30. The answers do not depend on it, to the bit */
} brg_context_options;

/* Fills the options with their defaults. Errors: INVALID_ARGUMENT (NULL), ABI (size). */
BRG_API brg_status brg_context_options_init(brg_context_options *options, size_t struct_size);

/* Creates a context. `options` NULL: all defaults. Reads the environment: BRAGGRAD_BACKEND (for AUTO), BRAGGRAD_SIMD (scalar,
 * sse4, avx2, avx512 or neon instead of the best of this machine), BRAGGRAD_SYNC=1
 * (wait after each kernel and name the one that failed), BRAGGRAD_LOG=file (a line per call).
 * Errors: INVALID_ARGUMENT, ABI, NO_DEVICE (with the reason), OUT_OF_MEMORY, CUDA. */
BRG_API brg_status brg_context_create(const brg_context_options *options, brg_context **context);

/* Waits for the context's work and frees what it holds. NULL is allowed. In a child of the process that created the
 * context only its memory is given up. Buffers and reflections made with it stay valid. */
BRG_API brg_status brg_context_destroy(brg_context *context);

/* Uses the caller's stream (a cudaStream_t, taken literally: NULL is the legacy default stream). Ignored on the CPU. */
BRG_API brg_status brg_context_set_stream(brg_context *context, void *stream);

/* Goes back to the context's own stream. */
BRG_API brg_status brg_context_use_own_stream(brg_context *context);

/* Waits until everything that was given to the context's stream is done; reports what failed there. */
BRG_API brg_status brg_context_synchronize(brg_context *context);

/* The backend that the context runs on: BRG_BACKEND_CPU or BRG_BACKEND_CUDA; BRG_BACKEND_AUTO for NULL. */
BRG_API brg_backend brg_context_backend(const brg_context *context);

/* Gives the context memory to work in, 256-byte aligned, in the context's memory, alive until the stream has passed.
 * With it compute calls allocate nothing and can be captured in a CUDA graph; a call that needs more is
 * BRG_ERROR_WORKSPACE naming the bytes. (NULL, 0): back to the context's own pool. */
BRG_API brg_status brg_context_set_workspace(brg_context *context, void *workspace, size_t bytes);

/* Largest workspace recorded by dry runs since the dry run was switched on. */
BRG_API brg_status brg_context_workspace_size(const brg_context *context, size_t *bytes);

/* 1: compute calls check their arguments and record the workspace they need, launch nothing and touch no output.
 * Switching it on starts a new record; 0 switches it off. */
BRG_API brg_status brg_context_set_dry_run(brg_context *context, int32_t on);

#ifdef __cplusplus
}
#endif
#endif

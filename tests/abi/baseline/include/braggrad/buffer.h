/* Group 4: memory in a context's memory space, 256-byte aligned, for callers without an allocator of their own. */
#ifndef BRAGGRAD_BUFFER_H
#define BRAGGRAD_BUFFER_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Allocates `bytes` (0 is allowed), contents undefined. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, CUDA. */
BRG_API brg_status brg_buffer_create(brg_context *context, size_t bytes, brg_buffer **buffer);

/* Waits for the device, then frees. NULL is allowed. */
BRG_API brg_status brg_buffer_destroy(brg_buffer *buffer);

/* Address in the memory of the context, to be passed as an array; NULL for an empty or NULL buffer. */
BRG_API void *brg_buffer_data(const brg_buffer *buffer);

/* Size in bytes; 0 for NULL. */
BRG_API size_t brg_buffer_size(const brg_buffer *buffer);

/* Copies `bytes` from host memory to the buffer at byte `offset`, in the order of the context's stream; returns when
 * the source may be reused. Errors: INVALID_ARGUMENT (range, NULL), WRONG_DEVICE, CUDA. */
BRG_API brg_status brg_buffer_upload(brg_context *context, brg_buffer *buffer, size_t offset, const void *source,
                                     size_t bytes);

/* Copies `bytes` from the buffer at byte `offset` to host memory, after the context's work; returns when done. */
BRG_API brg_status brg_buffer_download(brg_context *context, const brg_buffer *buffer, size_t offset, void *destination,
                                       size_t bytes);

/* Sets the buffer to zero, in the order of the context's stream. */
BRG_API brg_status brg_buffer_clear(brg_context *context, brg_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif

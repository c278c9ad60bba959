// Group 4: memory in a context's memory space.
#include "braggrad/buffer.h"

#include "api/call.hpp"

struct brg_buffer {
  braggrad::DeviceMemory memory;
};

namespace braggrad {
namespace {

// The bytes [offset, offset + bytes) of a buffer that belongs to the context's device.
unsigned char* bytes_of(const brg_context& context, const brg_buffer* buffer, size_t offset, size_t bytes) {
  require(buffer != nullptr, "buffer is NULL");
  const size_t size = buffer->memory.size();
  require(offset <= size && bytes <= size - offset, "offset ", offset, " and bytes ", bytes,
          " reach beyond the buffer's ", size, " bytes");
  context.require_same_device(*buffer->memory.device(), "buffer");
  return static_cast<unsigned char*>(buffer->memory.data()) + offset;
}

}  // namespace
}  // namespace braggrad

using braggrad::called, braggrad::require;

extern "C" {

brg_status brg_buffer_create(brg_context* context, size_t bytes, brg_buffer** buffer) {
  return called("brg_buffer_create", context, [&] {
    require(buffer != nullptr, "buffer is NULL");
    *buffer = nullptr;
    auto made = std::make_unique<brg_buffer>();
    made->memory = braggrad::DeviceMemory(context->backend().device(), bytes);
    *buffer = made.release();
  });
}

brg_status brg_buffer_destroy(brg_buffer* buffer) {
  return braggrad::guarded("brg_buffer_destroy", [&] { const std::unique_ptr<brg_buffer> owned(buffer); });
}

void* brg_buffer_data(const brg_buffer* buffer) { return buffer ? buffer->memory.data() : nullptr; }

size_t brg_buffer_size(const brg_buffer* buffer) { return buffer ? buffer->memory.size() : 0; }

brg_status brg_buffer_upload(brg_context* context, brg_buffer* buffer, size_t offset, const void* source,
                             size_t bytes) {
  return called("brg_buffer_upload", context, [&] {
    void* to = braggrad::bytes_of(*context, buffer, offset, bytes);
    require(source != nullptr || bytes == 0, "source is NULL");
    if (bytes) context->backend().upload(to, source, bytes);
  });
}

brg_status brg_buffer_download(brg_context* context, const brg_buffer* buffer, size_t offset, void* destination,
                               size_t bytes) {
  return called("brg_buffer_download", context, [&] {
    const void* from = braggrad::bytes_of(*context, buffer, offset, bytes);
    require(destination != nullptr || bytes == 0, "destination is NULL");
    if (bytes) context->backend().download(destination, from, bytes);
  });
}

brg_status brg_buffer_clear(brg_context* context, brg_buffer* buffer) {
  return called("brg_buffer_clear", context, [&] {
    require(buffer != nullptr, "buffer is NULL");
    void* memory = braggrad::bytes_of(*context, buffer, 0, buffer->memory.size());
    if (buffer->memory.size()) context->backend().clear(memory, buffer->memory.size());
  });
}

}  // extern "C"

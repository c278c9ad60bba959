// Working memory of a context: the caller's workspace, or the backend's.
#include "runtime/context.hpp"

#include <algorithm>

using braggrad::fail;

brg_context::brg_context(brg_backend kind, std::unique_ptr<braggrad::Backend> backend, braggrad::CallLog log)
    : kind_(kind), backend_(std::move(backend)), log_(std::move(log)) {}

brg_context::~brg_context() {
  if (!in_own_process()) backend_->abandon();
}

bool brg_context::in_own_process() const noexcept { return process_.here(); }

void brg_context::require_same_process() const {
  if (!in_own_process())
    fail(BRG_ERROR_FORKED, "context was created in another process: create one in the child after fork()");
}

void brg_context::require_same_device(const braggrad::Device& device, const char* name) const {
  const std::shared_ptr<braggrad::Device>& own = backend_->device();
  if (!own->same_as(device))
    fail(BRG_ERROR_WRONG_DEVICE, std::string(name) + " belongs to another device than the context");
}

void brg_context::set_workspace(void* workspace, size_t bytes) {
  braggrad::require((workspace == nullptr) == (bytes == 0), "workspace is NULL or bytes is 0, but not both");
  braggrad::require(reinterpret_cast<uintptr_t>(workspace) % 256 == 0, "workspace is not 256-byte aligned");
  workspace_ = workspace, workspace_bytes_ = bytes;
}

void brg_context::set_dry_run(bool on) {
  if (on) recorded_ = 0;
  dry_run_ = on;
}

void* brg_context::acquire(size_t bytes) {
  if (dry_run_) {
    recorded_ = std::max(recorded_, bytes);
    return nullptr;
  }
  if (bytes == 0) return nullptr;
  if (!workspace_) return backend_->acquire_scratch(bytes);
  if (bytes > workspace_bytes_)
    fail(BRG_ERROR_WORKSPACE, "the workspace has " + std::to_string(workspace_bytes_) + " bytes, the call needs " +
                                  std::to_string(bytes) + " bytes");
  return workspace_;
}

void brg_context::give_back(void* memory) noexcept {
  if (memory != workspace_) backend_->release_scratch(memory);
}

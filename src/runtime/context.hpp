// A context: a backend, its workspace, and the process that made it.
#pragma once

#include <memory>
#include <string>

#include "braggrad/context.h"
#include "braggrad/geometry.h"
#include "core/frame.hpp"
#include "runtime/backend.hpp"
#include "runtime/call_log.hpp"
#include "runtime/process_mark.hpp"

namespace braggrad {

// The last geometry of a context, and its frame.
struct GeometryMemo {
  brg_geometry geometry{};
  core::Frame frame{};
};

}  // namespace braggrad

struct brg_context final : braggrad::ScratchSource {
 public:
  brg_context(brg_backend kind, std::unique_ptr<braggrad::Backend> backend, braggrad::CallLog log);
  ~brg_context() override;

  brg_backend kind() const noexcept { return kind_; }
  braggrad::Backend& backend() const noexcept { return *backend_; }
  const braggrad::CallLog& log() const noexcept { return log_; }

  // False in a child of the process that made the context.
  bool in_own_process() const noexcept;
  void require_same_process() const;
  // Throws where a handle lives on another device.
  void require_same_device(const braggrad::Device& device, const char* name) const;

  braggrad::GeometryMemo& geometry_memo() noexcept { return geometry_memo_; }

  void set_workspace(void* workspace, size_t bytes);
  void set_dry_run(bool on);
  size_t workspace_size() const noexcept { return recorded_; }

  void* acquire(size_t bytes) override;
  void give_back(void* memory) noexcept override;
  bool dry_run() const noexcept override { return dry_run_; }

 private:
  brg_backend kind_;
  std::unique_ptr<braggrad::Backend> backend_;
  braggrad::CallLog log_;
  braggrad::ProcessMark process_;
  braggrad::GeometryMemo geometry_memo_;
  void* workspace_ = nullptr;
  size_t workspace_bytes_ = 0;
  bool dry_run_ = false;
  size_t recorded_ = 0;
};

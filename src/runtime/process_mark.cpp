// A page that fork() wipes (Linux 4.14), or the number of the process.
#include "runtime/process_mark.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace braggrad {

ProcessMark::ProcessMark() noexcept : process_(getpid()) {
#if defined(MADV_WIPEONFORK)
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    munmap(page, size);
    return;
  }
  page_ = static_cast<volatile unsigned char*>(page);
  *page_ = 1;
#endif
}

ProcessMark::~ProcessMark() {
  if (page_) munmap(const_cast<unsigned char*>(page_), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

bool ProcessMark::here() const noexcept { return page_ ? *page_ == 1 : getpid() == process_; }

}  // namespace braggrad

#include "tests/faults/whims.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace shoal::faults {

whims* map_whims(const char* path) {
  auto file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return nullptr;
  auto* page = MAP_FAILED;
  if (::ftruncate(file, sizeof(whims)) == 0)
    page = ::mmap(nullptr, sizeof(whims), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return page == MAP_FAILED ? nullptr : static_cast<whims*>(page);
}

} // namespace shoal::faults

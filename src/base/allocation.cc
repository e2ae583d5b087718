#include "base/allocation.h"

#include <malloc.h>

namespace wsd {

void trim_allocator() noexcept { ::malloc_trim(0); }

}  // namespace wsd

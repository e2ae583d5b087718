// Groups of flags that have a file of their own.
#pragma once

#include "flag_kinds.h"

namespace wsd::daemon {

[[nodiscard]] Flag print_flag();  // print.cc

}  // namespace wsd::daemon

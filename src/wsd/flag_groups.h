// Groups of flags that have a file of their own.
#pragma once

#include "flag_kinds.h"

namespace wsd::daemon {

[[nodiscard]] Table admin_flags();  // admin_flags.cc

}  // namespace wsd::daemon

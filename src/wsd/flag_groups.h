// The groups of flags that have a file of their own.
#pragma once

#include "flag_kinds.h"

namespace wsd::daemon {

[[nodiscard]] Table room_flags();  // rooms_flags.cc

}  // namespace wsd::daemon

// Groups of flags that have a file of their own, for the table in flag_table.cc.
#pragma once

#include "daemon/config/flag_kinds.h"

namespace wsd::daemon {

[[nodiscard]] Flag print_flag();     // print.cc
[[nodiscard]] Table access_flags();  // access_flags.cc
[[nodiscard]] Table rate_flags();    // access_flags.cc
[[nodiscard]] Table admin_flags();   // admin_flags.cc
[[nodiscard]] Table room_flags();    // rooms_flags.cc
[[nodiscard]] Table proxy_flags();   // proxy_flags.cc

}  // namespace wsd::daemon

// Parts of the flag table that are defined outside flag_table.cc.
#pragma once

#include "daemon/config/flag_kinds.h"

namespace wsd::daemon {

[[nodiscard]] Flag print_flag();     // generated_texts.cc
[[nodiscard]] Table access_flags();  // flags_access.cc
[[nodiscard]] Table rate_flags();    // flags_access.cc
[[nodiscard]] Table admin_flags();   // flags_admin.cc
[[nodiscard]] Table room_flags();    // flags_rooms.cc
[[nodiscard]] Table engine_flags();  // flags_engine.cc
[[nodiscard]] Table proxy_flags();   // flags_proxy.cc

}  // namespace wsd::daemon

// The fields of the log event connection_end.
#pragma once

#include "base/log_line.h"
#include "net/application.h"

namespace wsd::server {

// Adds the fields of a connection's end. Any thread. Throws std::bad_alloc if memory runs out.
void add_end_fields(LogLine& line, const net::EndRecord& record);

}  // namespace wsd::server

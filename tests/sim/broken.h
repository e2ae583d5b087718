// The end of a simulated run that has found a fault.
#pragma once

namespace wsd::sim {

// Ends the run, because the server or the simulation has broken a promise.
[[noreturn]] [[gnu::format(printf, 1, 2)]] void broken(const char* format, ...);

}  // namespace wsd::sim

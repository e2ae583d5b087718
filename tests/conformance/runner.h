// Runs one case on a connection of its own.
#pragma once

#include "conformance/case.h"
#include "conformance/link.h"
#include "conformance/session.h"
#include "conformance/verdict.h"

namespace wsconform {

// Connects to `url`, runs the case and returns its verdict. `patience` multiplies every time limit.
[[nodiscard]] Result run(const Case& test, const Url& url, double patience);
// Runs the case with the client that has sent this request on this session.
[[nodiscard]] Result run(const Case& test, Session& session, const UpgradeRequest& request);

}  // namespace wsconform

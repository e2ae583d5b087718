// Runs one case over one connection.
#pragma once

#include "conformance/case.h"
#include "conformance/link.h"
#include "conformance/verdict.h"

namespace wsconform {

[[nodiscard]] Result run(const Case& test, const Url& url, double patience);

}  // namespace wsconform

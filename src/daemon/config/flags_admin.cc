#include <wsd/check.h>

#include "daemon/config/flag_groups.h"

namespace wsd::daemon {
namespace {

// An optional text.
Flag text(std::string_view metavar, Text names, std::string (*error_of)(std::string_view),
          Field<std::string> field) {
  Flag flag = setting(metavar, names);
  flag.set = [=](Options& options, std::string_view value) {
    std::string error = error_of(value);
    if (error.empty()) field(options) = value;
    return error;
  };
  flag.get = [=](Options options) {
    return field(options).empty() ? std::vector<std::string>{} : std::vector{field(options)};
  };
  return flag;
}

std::string any_path(std::string_view /*value*/) { return {}; }

}  // namespace

Table admin_flags() {
  return {
      text(
          "ADDRESS",
          {"admin",
           "serve /metrics, /connections and other admin endpoints on this address, written as for "
           "--listen"},
          &check_listen_address, [](Options & o) -> auto& { return o.admin.address; }),
      text(
          "FILE",
          {"admin-token-file",
           "require the token in this file on --admin; mandatory if other machines can reach that "
           "address"},
          &any_path, [](Options & o) -> auto& { return o.admin.token_file; }),
  };
}

}  // namespace wsd::daemon

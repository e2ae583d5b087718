#include "daemon/config/command_table.h"

namespace wsd::daemon {

const std::vector<CommandText>& command_table() {
  static const std::vector<CommandText> table = {
      {"top",
       "ADDRESS",
       false,
       "show live figures of a running wsd",
       {{"token-file", "FILE", "file with the token of the admin listener"},
        {"help", "", "print the help of this command and exit"}}},
      {"log",
       "DIR",
       true,
       "show the rooms and messages of a history log",
       {{"json", "", "print the listing as JSON"},
        {"room", "NAME", "print the messages of the room, one JSON object per line"},
        {"from", "EPOCH:SEQ", "print only the messages after this position"},
        {"restored", "", "give every room a new epoch, after a snapshot was restored"},
        {"help", "", "print the help of this command and exit"}}},
  };
  return table;
}

}  // namespace wsd::daemon

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
      {"connect",
       "URL",
       false,
       "talk to a WebSocket server, line by line",
       {{"text", "", "send each line of the input as a text message; this is the default"},
        {"binary", "",
         "send the input as binary messages of at most 64KiB, and print messages unchanged"},
        {"json", "", "print each event as one line of JSON"},
        {"header", "NAME:VALUE", "send this header field with the request; may be repeated"},
        {"subprotocol", "NAME", "offer this subprotocol, most preferred first; may be repeated"},
        {"origin", "ORIGIN", "send this Origin with the request"},
        {"token", "TOKEN",
         "send this token in the Authorization field; other users of the machine can see it, so "
         "prefer --token-file"},
        {"token-file", "FILE", "send the token in FILE in the Authorization field"},
        {"last-event-id", "EPOCH:SEQ", "join a room of wsd after this position"},
        {"close", "CODE",
         "close with this code: 1000 (default) to 1003, 1007 to 1014 or 3000 to 4999"},
        {"reason", "TEXT", "close with this reason of at most 123 bytes"},
        {"messages", "N", "close after N messages were received"},
        {"wait", "DURATION",
         "after the end of the input, close only when no message has come for this long"},
        {"no-input", "", "do not read the standard input"},
        {"timeout", "DURATION",
         "time limit to connect, and time limit of the opening handshake (default: 10s)"},
        {"ping-interval", "DURATION", "send a Ping after this much silence, or off (default: 25s)"},
        {"max-message", "SIZE", "limit on a message in either direction (default: 16MiB)"},
        {"help", "", "print the help of this command and exit"}},
       {{"0",
         "wsd connect closed the connection, or the server closed it with 1000, 1001 or no code"},
        {"1", "the connection was lost, the input is invalid, or the output cannot be written"},
        {"2", "invalid command line"},
        {"69", "the connection was not opened: no server, or it rejected the request"},
        {"78", "--token-file cannot be read"},
        {"1NN", "the connection ended with the close code 10NN, such as 108 for 1008"},
        {"120", "the server closed with a code from 3000 to 3999"},
        {"121", "the server closed with a code from 4000 to 4999"},
        {"130", "Ctrl-C before the connection was open"}}},
  };
  return table;
}

}  // namespace wsd::daemon

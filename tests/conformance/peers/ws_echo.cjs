// An echo server on the npm module `ws`, with stock limits and permessage-deflate.
//
//   node ws_echo.cjs [--skip-utf8]    prints "listening PORT" and ends when its standard input does
//
// With --skip-utf8 it accepts any bytes as text. Group 6 must detect that.
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: true,
  skipUTF8Validation: process.argv.includes("--skip-utf8"),
});
server.on("connection", (socket) => {
  // Without a listener, a protocol error of one client would end the process.
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on("listening", () => console.log(`listening ${server.address().port}`));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

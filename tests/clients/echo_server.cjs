// An echo server on the npm module `ws`, for tests of the client. It chooses the subprotocol "b",
// pings each connection, and closes with 4000 when it gets the text "close".
//
//   node echo_server.cjs    prints "listening PORT", "pong" for each Pong, and "closed CODE REASON"
//                           for each end; runs until it is killed
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has("b") ? "b" : false),
});
server.on("connection", (socket) => {
  socket.on("error", (error) => console.log(`error ${error.message}`));
  socket.on("pong", (data) => console.log(`pong ${data}`));
  socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`));
  socket.on("message", (data, isBinary) => {
    if (!isBinary && data.toString() === "close") socket.close(4000, "asked");
    else socket.send(data, { binary: isBinary });
  });
  socket.ping("node");
});
server.on("listening", () => console.log(`listening ${server.address().port}`));

// An echo client on the npm module `ws`, with stock limits and permessage-deflate, for
// `wsconform --serve`.
//
//   node ws_echo_client.cjs ws://127.0.0.1:PORT [--skip-utf8]
//
// With --skip-utf8 it accepts any bytes as text. Group 6 must detect that.
"use strict";

const WebSocket = require("ws");

const base = process.argv[2];
const options = { skipUTF8Validation: process.argv.includes("--skip-utf8") };
const agent = `ws-${require("ws/package.json").version}`;

// Echoes until the connection ends. Returns the last message.
function echo(path) {
  return new Promise((resolve) => {
    let last;
    const socket = new WebSocket(base + path, options);
    // The reason of a failure is the server's to judge.
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => {
      last = data;
      socket.send(data, { binary: isBinary });
    });
    socket.on("close", () => resolve(last));
  });
}

(async () => {
  const count = Number(await echo("/getCaseCount"));
  for (let n = 1; n <= count; ++n) await echo(`/runCase?case=${n}&agent=${agent}`);
  await echo(`/updateReports?agent=${agent}`);
})();

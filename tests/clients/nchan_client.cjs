// NchanSubscriber, the unchanged client of npm's `nchan`, over npm's `ws`.
//
//   node nchan_client.cjs MODULE URL COUNT
//
// Subscribes to URL until it has received messages "1" to COUNT. The script cuts the connection
// before the first message, when the server has told the position, and after every tenth message. The client then reconnects by itself, with the id of the last
// message. Prints "subscribed" after the first cut, and "ok resumed N times" at the end.
"use strict";

const assert = require("node:assert/strict");
const { WebSocket } = require("ws");

// The few browser interfaces that the client needs.
globalThis.window = globalThis;
globalThis.WebSocket = WebSocket;
globalThis.addEventListener = () => {};
globalThis.removeEventListener = () => {};

const kPatienceMs = 50000;
const [module_path, url, count] = process.argv.slice(2);
const NchanSubscriber = require(module_path);

const subscriber = new NchanSubscriber(url, { subscriber: "websocket" });
subscriber.reconnectTimeout = 10;
let socket = null;
let connects = 0;
let seen = 0;
const places = [];

subscriber.on("transportNativeCreated", (created) => {
  socket = created;
});
subscriber.on("connect", () => {
  assert.equal(socket.protocol, "ws+meta.nchan");
  connects += 1;
});
subscriber.on("message", (message, meta) => {
  if (meta["content-type"] === "application/vnd.wsd.position") {
    assert.equal(message, "");
    assert.equal(connects, 1, "a client that resumes knows its position");
    socket.terminate();
    console.log("subscribed");
    return;
  }
  seen += 1;
  assert.equal(message, String(seen), `message ${seen}`);
  assert.match(meta.id, /^[0-9]+:[0-9]+$/);
  assert.equal(meta["content-type"], undefined);
  places.push(meta.id);
  if (seen === Number(count)) {
    assert.equal(new Set(places).size, seen);
    assert.ok(connects > 1, "it never came again");
    console.log(`ok resumed ${connects - 1} times`);
    subscriber.stop();
    process.exit(0);
  }
  if (seen % 10 === 0) socket.terminate();
});
setTimeout(() => {
  console.log(`gave up after ${seen} messages and ${connects} connections`);
  process.exit(1);
}, kPatienceMs);
subscriber.start();

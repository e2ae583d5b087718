// A client based on the npm module `ws`.
//
//   node ws_client.cjs echo URL           checks an echo; prints "ok NAME" for each check
//   node ws_client.cjs chat URL NAME PEER chats in a room: see chat() below
//   node ws_client.cjs wait URL           prints "open", then "closed CODE" when the server closes
//
// If the environment variable CLIENT_ADDRESS is set, it connects from that address.
//
// Exits with status 0 on success. CommonJS, because `import` ignores NODE_PATH.
"use strict";

const { once } = require("node:events");
const assert = require("node:assert/strict");
const { WebSocket } = require("ws");

const kPatienceMs = 30000;

async function open(url, options = {}) {
  const from = process.env.CLIENT_ADDRESS;
  const socket = new WebSocket(url, from ? { ...options, localAddress: from } : options);
  socket.inbox = [];
  socket.on("message", (data, isBinary) => socket.inbox.push({ data, isBinary }));
  await once(socket, "open");
  return socket;
}

async function receive(socket) {
  while (socket.inbox.length === 0) await once(socket, "message");
  return socket.inbox.shift();
}

async function closed(socket) {
  const [code, reason] = await once(socket, "close");
  return { code, reason: reason.toString() };
}

const echoChecks = {
  async text(url) {
    const socket = await open(url);
    for (const text of ["", "hello", "héllo 🐍", "x".repeat(70000)]) {
      socket.send(text);
      const { data, isBinary } = await receive(socket);
      assert.equal(isBinary, false);
      assert.equal(data.toString(), text);
    }
    socket.close(1000);
    assert.equal((await closed(socket)).code, 1000);
  },
  async binary(url) {
    const socket = await open(url);
    for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
      const bytes = Buffer.alloc(size, (size % 251) + 1);
      socket.send(bytes);
      const { data, isBinary } = await receive(socket);
      assert.equal(isBinary, true);
      assert.ok(bytes.equals(data), `${size} bytes`);
    }
    socket.terminate();
  },
  async fragments(url) {
    const socket = await open(url);
    socket.send("one ", { fin: false });
    socket.ping("between");
    socket.send("two ", { fin: false });
    socket.send("three", { fin: true });
    assert.equal((await receive(socket)).data.toString(), "one two three");
    socket.terminate();
  },
  async order(url) {
    const socket = await open(url);
    for (let i = 0; i < 1000; ++i) socket.send(String(i));
    for (let i = 0; i < 1000; ++i) assert.equal((await receive(socket)).data.toString(), String(i));
    socket.terminate();
  },
  async ping(url) {
    const socket = await open(url);
    socket.ping("are you there");
    const [data] = await once(socket, "pong");
    assert.equal(data.toString(), "are you there");
    socket.terminate();
  },
  async closeCodes(url) {
    for (const code of [1000, 1001, 3000, 4999]) {
      const socket = await open(url);
      socket.close(code, "bye");
      assert.equal((await closed(socket)).code, code);
    }
    const socket = await open(url);
    socket.close();
    assert.ok([1000, 1005].includes((await closed(socket)).code));
  },
  async compressionOffered(url) {
    const socket = await open(url, { perMessageDeflate: true });
    socket.send("z".repeat(10000));
    assert.equal((await receive(socket)).data.toString(), "z".repeat(10000));
    socket.terminate();
  },
};

async function echo(url) {
  for (const [name, check] of Object.entries(echoChecks)) {
    await check(url);
    console.log("ok " + name);
  }
}

// Each side greets, answers the other's greeting, and leaves after its own greeting was answered.
// Prints "joined" when its own greeting has come back: from then on it misses no message of the
// room.
async function chat(url, name, peer) {
  const socket = await open(url);
  socket.send(`${name}: hello`);
  let answered = false;
  let answering = false;
  while (!answered || !answering) {
    const text = (await receive(socket)).data.toString();
    if (text === `${name}: hello`) console.log("joined");
    if (text === `${peer}: hello`) {
      socket.send(`${name}: hello ${peer}, this is ${name}`);
      socket.send(`${name}: hello`);
    }
    if (text === `${name}: hello ${peer}, this is ${name}`) answering = true;
    if (text === `${peer}: hello ${name}, this is ${peer}`) answered = true;
  }
  console.log("answered");
  socket.close(1000);
  assert.equal((await closed(socket)).code, 1000);
}

async function wait(url) {
  const socket = await open(url);
  const end = closed(socket);
  console.log("open");
  console.log("closed " + (await end).code);
}

const [what, ...rest] = process.argv.slice(2);
setTimeout(() => {
  console.error("no end in sight");
  process.exit(1);
}, kPatienceMs).unref();
({ echo, chat, wait })[what](...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

// Tests src/daemon/page/link.js without a browser, with a fake clock, network and room server:
//
//   node link_test.cjs LINK_JS
//
// Prints "ok CASE" for each case, and "ok all" at the end.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { webcrypto } = require("node:crypto");

const turn_of_node = () => new Promise((resolve) => setImmediate(resolve));

class Clock {
  now_ms = 1000;
  #events = []; // {at, id, run}
  #next = 1;

  after(ms, run) {
    const id = this.#next++;
    this.#events.push({ at: this.now_ms + Math.max(0, ms), id, run });
    return id;
  }

  cancel(id) {
    this.#events = this.#events.filter((each) => each.id !== id);
  }

  // Runs the events in their order until `done()` is true, for at most `ms` of the clock.
  async run_until(done, ms = 600000) {
    const end = this.now_ms + ms;
    for (;;) {
      await turn_of_node(); // what awaits a promise goes on
      if (done()) return;
      this.#events.sort((one, other) => one.at - other.at || one.id - other.id);
      const next = this.#events.shift();
      assert.ok(next && next.at <= end, "waited in vain");
      this.now_ms = next.at;
      next.run();
    }
  }

  async run_for(ms) {
    let over = false;
    this.after(ms, () => (over = true));
    await this.run_until(() => over);
  }
}

const kLatencyMs = 5; // one way

// One server with one room that keeps no history. Each turn takes all that has arrived, and sends the
// room's messages at its end. So a connection that the turn closes does not get its own messages.
class FakeServer {
  epoch = 1e14;
  seq = 0;
  exists = false;
  reachable = true;
  seen = []; // texts, as a program without ids in the room sees them
  rate_closes = 0;
  most_in_a_turn = 0;
  drop_echoes = 0; // that many messages are not sent to the members
  members = new Set();

  // `tells_position`: a join that misses nothing gets the position, and a room that was forgotten
  // continues its numbering.
  constructor(clock, options) {
    const defaults = { messages_per_second: 0, bytes_per_second: 0, watched: true, tells_position: false };
    Object.assign(this, { clock, ...defaults, ...options });
  }

  join(socket) {
    if (!this.exists) this.#create();
    this.members.add(socket);
    socket.tokens = this.messages_per_second;
    socket.bytes = this.bytes_per_second;
    socket.filled_at = this.clock.now_ms;
    const [epoch, seq] = (socket.since ?? "0:0").split(":").map(Number);
    if (epoch !== this.epoch || seq !== this.seq) {
      socket.receive(`id: ${this.epoch}:${this.seq}\ncontent-type: application/vnd.wsd.gap\n\n`);
    } else if (this.tells_position) {
      socket.receive(`id: ${this.epoch}:${this.seq}\ncontent-type: application/vnd.wsd.position\n\n`);
    }
  }

  // Another program is in the room if it is `watched`, so that it is never empty.
  leave(socket) {
    this.members.delete(socket);
    if (this.members.size === 0 && !this.watched) this.exists = false;
  }

  restart() {
    for (const socket of [...this.members]) socket.lose();
    this.exists = false;
    this.epoch = 2e14;
  }

  take(socket, text) {
    socket.arrived.push(text);
    if (socket.arrived.length === 1) this.clock.after(1, () => this.#turn(socket));
  }

  publish(text) {
    this.seq += 1;
    this.seen.push(text);
    for (const member of this.members) member.receive(`id: ${this.epoch}:${this.seq}\n\n${text}`);
  }

  #create() {
    this.exists = true;
    if (this.tells_position && this.seq > 0) return;
    this.epoch += 1;
    this.seq = 0;
  }

  #turn(socket) {
    const arrived = socket.arrived.splice(0);
    this.most_in_a_turn = Math.max(this.most_in_a_turn, arrived.length);
    if (!this.members.has(socket)) return;
    const accepted = [];
    let exceeded = "";
    for (const text of arrived) {
      exceeded = this.#exceeded(socket, text);
      if (exceeded) break;
      accepted.push(text);
    }
    if (exceeded) {
      this.rate_closes += 1;
      this.members.delete(socket);
    }
    for (const text of accepted) this.#publish_unless_dropped(text);
    if (exceeded) {
      socket.close_from_server(1008, `too many ${exceeded} per second`);
      this.leave(socket);
    }
  }

  #publish_unless_dropped(text) {
    if (this.drop_echoes === 0) return this.publish(text);
    this.drop_echoes -= 1;
    this.seq += 1;
    this.seen.push(text);
  }

  #exceeded(socket, text) {
    const passed = (this.clock.now_ms - socket.filled_at) / 1000;
    socket.filled_at = this.clock.now_ms;
    const refill = (left, limit) => Math.min(limit, left + passed * limit);
    socket.tokens = refill(socket.tokens, this.messages_per_second);
    socket.bytes = refill(socket.bytes, this.bytes_per_second);
    socket.bytes -= text.length;
    if (this.bytes_per_second && socket.bytes < 0) return "bytes";
    socket.tokens -= 1;
    return this.messages_per_second && socket.tokens < 0 ? "messages" : "";
  }
}

let clock = null;
let server = null;

class FakeWebSocket {
  protocol = "ws+meta.nchan";
  arrived = []; // at the server
  #over = false;

  constructor(url) {
    this.since = url.searchParams.get("last_event_id");
    clock.after(2 * kLatencyMs, () => {
      if (!server.reachable) return this.lose();
      server.join(this);
      this.onopen?.();
    });
  }

  send(text) {
    clock.after(kLatencyMs, () => server.reachable && server.take(this, text));
  }

  receive(data) {
    clock.after(kLatencyMs, () => this.#over || this.onmessage({ data }));
  }

  close_from_server(code, reason) {
    clock.after(kLatencyMs, () => this.#end(code, reason));
  }

  lose() {
    server.leave(this);
    this.#end(1006, "");
  }

  close() {
    this.#over = true;
    server.leave(this);
  }

  #end(code, reason) {
    if (this.#over) return;
    this.#over = true;
    this.onclose({ code, reason });
  }
}

function fake_fetch() {
  return new Promise((resolve, reject) => {
    clock.after(2 * kLatencyMs, () => {
      if (!server.reachable) return reject(new TypeError("no network"));
      const { exists, members, epoch, seq } = server;
      const place = exists ? { epoch, seq } : { epoch: 0, seq: 0 };
      const room = { members: members.size, history: 0, ...place };
      resolve({ status: 200, text: async () => JSON.stringify(room) });
    });
  });
}

function install_fakes() {
  const replace = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  replace("setTimeout", (run, ms) => clock.after(ms, run));
  replace("clearTimeout", (id) => clock.cancel(id));
  replace("performance", {
    now: () => clock.now_ms,
    getEntriesByName: () => [],
    clearResourceTimings: () => {},
  });
  replace("WebSocket", FakeWebSocket);
  replace("fetch", fake_fetch);
  replace("AbortSignal", { timeout: () => undefined });
  replace("crypto", webcrypto);
  Math.random = () => 1;
}

// A link that notes what it was told.
function make_link(RoomLink) {
  const told = { shown: [], failed: [], notices: [] };
  const link = new RoomLink("http://localhost/", "lobby", {
    state: () => {},
    facts: () => {},
    message: ({ text, mine }) => told.shown.push(mine ? text : `${text} (other)`),
    failed: ({ text }, reason) => told.failed.push(`${text}: ${reason}`),
    notice: (kind, detail) => told.notices.push({ kind, ...detail }),
  });
  return { link, told };
}

const texts_seen = () => server.seen.map((each) => JSON.parse(each).text);
const numbered = (count) => Array.from({ length: count }, (_, i) => `quick ${i}`);

async function connected(RoomLink, options) {
  clock = new Clock();
  server = new FakeServer(clock, options);
  const made = make_link(RoomLink);
  made.link.join();
  await clock.run_until(() => made.link.writable);
  return made;
}

async function cut(link) {
  for (const member of [...server.members]) member.lose();
  server.reachable = false;
  await clock.run_until(() => link.state === "waiting");
}

async function back(link) {
  server.reachable = true;
  await clock.run_until(() => link.writable);
}

const cases = {
  // The server's limit is not told in advance. The first close teaches the pace.
  async rate_limit_each_message_reaches_the_room_once(RoomLink) {
    for (const messages_per_second of [1, 2, 5, 20, 100]) {
      const { link, told } = await connected(RoomLink, { messages_per_second });
      const wanted = numbered(4 * messages_per_second + 10);
      for (const text of wanted) link.send("ann", text);
      await clock.run_until(() => link.outbox.length === 0);
      assert.deepEqual(texts_seen(), wanted, `${messages_per_second} per second`);
      assert.deepEqual(told.shown, wanted);
      assert.deepEqual(told.failed, []);
      assert.ok(server.rate_closes <= 1, `${server.rate_closes} closes, ${messages_per_second} per second`);
      assert.equal(server.most_in_a_turn, 1);
    }
  },

  async rate_limit_in_bytes_too(RoomLink) {
    const { link, told } = await connected(RoomLink, { bytes_per_second: 1000 });
    const wanted = numbered(20).map((text) => text.padEnd(100));
    for (const text of wanted) link.send("ann", text);
    await clock.run_until(() => link.outbox.length === 0);
    assert.deepEqual(texts_seen(), wanted);
    assert.deepEqual(told.failed, []);
  },

  async message_above_the_whole_limit_fails_and_the_others_pass(RoomLink) {
    const { link, told } = await connected(RoomLink, { bytes_per_second: 1000 });
    for (const text of ["before", "x".repeat(2000), "after"]) link.send("ann", text);
    await clock.run_until(() => link.outbox.length === 0);
    assert.deepEqual(texts_seen(), ["before", "after"]);
    assert.deepEqual(told.failed, [`${"x".repeat(2000)}: it exceeds the server's limit per second`]);
  },

  async lost_before_the_server_had_it_is_sent_once(RoomLink) {
    const { link, told } = await connected(RoomLink, {});
    server.reachable = false;
    link.send("ann", "one");
    link.send("ann", "two");
    await clock.run_for(50);
    await cut(link);
    link.send("ann", "three");
    await back(link);
    await clock.run_until(() => link.outbox.length === 0);
    assert.deepEqual(texts_seen(), ["one", "two", "three"]);
    assert.deepEqual(told.shown, ["one", "two", "three"]);
  },

  // No more than one message is in doubt, and readers know its id.
  async lost_echo_repeats_one_message_at_most(RoomLink) {
    const { link, told } = await connected(RoomLink, {});
    for (const text of numbered(10)) link.send("ann", text);
    await clock.run_until(() => server.seen.length === 4);
    await cut(link);
    await back(link);
    await clock.run_until(() => link.outbox.length === 0);
    assert.deepEqual([...new Set(texts_seen())], numbered(10));
    assert.ok(server.seen.length <= 11, texts_seen().join());
    const ids = server.seen.map((each) => JSON.parse(each).id);
    assert.equal(new Set(ids).size, 10);
    assert.deepEqual(told.shown, numbered(10));
  },

  async member_that_was_alone_comes_back_without_a_word_of_a_restart(RoomLink) {
    const { link, told } = await connected(RoomLink, { watched: false });
    link.send("ann", "alone");
    await clock.run_until(() => link.outbox.length === 0);
    await cut(link);
    await back(link);
    assert.deepEqual(told.notices.map(({ kind }) => kind), ["back"]);
    assert.deepEqual(told.notices[0].emptied, true);
    assert.deepEqual(texts_seen(), ["alone"]); // it was not lost, so it is not sent again
  },

  async member_that_was_alone_goes_on_at_once_if_the_numbering_does(RoomLink) {
    const { link, told } = await connected(RoomLink, { watched: false, tells_position: true });
    link.send("ann", "alone");
    await clock.run_until(() => link.outbox.length === 0);
    await cut(link);
    server.reachable = true;
    await clock.run_until(() => link.state === "connected");
    await clock.run_until(() => link.writable, 100);
    assert.deepEqual(told.notices.map(({ kind, complete, emptied }) => ({ kind, complete, emptied })),
      [{ kind: "back", complete: true, emptied: false }]);
    assert.deepEqual(told.shown, ["alone"]);
  },

  async emptied_room_in_which_others_wrote_tells_how_many_are_missing(RoomLink) {
    const { link, told } = await connected(RoomLink, { watched: false });
    await cut(link);
    server.exists = true;
    server.epoch += 7;
    server.seq = 3;
    await back(link);
    assert.deepEqual(told.notices[0], { kind: "missed", count: 3 });
    assert.equal(told.notices[1].kind, "back");
    assert.equal(told.notices[1].complete, false);
  },

  async restart_is_told(RoomLink) {
    const { link, told } = await connected(RoomLink, {});
    server.restart();
    await clock.run_until(() => link.writable);
    assert.deepEqual(told.notices.map(({ kind }) => kind), ["anew", "back"]);
    assert.equal(told.notices[1].complete, false);
  },

  // A server may drop messages for a slow reader, its own among them.
  async own_message_that_the_server_drops_does_not_stop_the_next(RoomLink) {
    const { link, told } = await connected(RoomLink, {});
    server.drop_echoes = 1;
    link.send("ann", "dropped");
    await clock.run_until(() => server.seen.length === 1);
    link.send("ann", "next");
    server.publish("from another");
    await clock.run_until(() => link.outbox.length === 0);
    assert.deepEqual(told.notices, [{ kind: "missed", count: 1 }]);
    assert.deepEqual(told.shown, ["from another (other)", "dropped", "next"]);
    assert.deepEqual(texts_seen_or_plain(), ["dropped", "from another", "next"]);
  },

  async long_texts_are_marked_where_they_are_cut(RoomLink) {
    const { told } = await connected(RoomLink, {});
    server.publish(`${"x".repeat(9999)}\u{1F600} and more`);
    await clock.run_until(() => told.shown.length === 1);
    assert.equal(told.shown[0], `${"x".repeat(9999)} … (other)`);
  },
};

const texts_seen_or_plain = () =>
  server.seen.map((each) => (each.startsWith("{") ? JSON.parse(each).text : each));

async function main() {
  const source = fs.readFileSync(process.argv[2]).toString("base64");
  install_fakes();
  const { RoomLink } = await import(`data:text/javascript;base64,${source}`);
  for (const [name, run] of Object.entries(cases)) {
    await run(RoomLink).catch((error) => {
      throw new Error(`case ${name}`, { cause: error });
    });
    console.log(`ok ${name}`);
  }
  console.log("ok all");
}

main().catch((error) => {
  console.log(error);
  process.exit(1);
});

// Tests the page in a browser, case by case:
//
//   node page_client.cjs CHROMIUM WSD CASE...
//
// Starts a headless CHROMIUM, and a WSD for each CASE. Runs the case and prints "ok CASE". The cases of
// layout_cases.cjs are about what the page shows, the ones here about what it sends and receives.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Browser, kPatienceMs } = require("./browser.cjs");
const { Daemon, Redis, Relay } = require("./daemon.cjs");
const { layout_cases } = require("./layout_cases.cjs");

const [chromium, wsd, ...names] = process.argv.slice(2);
const kHistory = ["--history-messages", "2000"];
const kConnected = `document.getElementById("state").dataset.state === "connected"`;
const kAway = `["waiting", "connecting"].includes(document.getElementById("state").dataset.state)`;
// The messages of the shown room, in order, without those that have not come back yet.
const kTexts = `[...document.querySelectorAll(".log:not([hidden]) .message:not(.pending, .failed)")]
  .map((line) => line.querySelector(".text").textContent)`;
const kPending = `document.querySelectorAll(".log:not([hidden]) .pending").length`;
const kNotices = `[...document.querySelectorAll(".log:not([hidden]) .notice")].map((n) => n.dataset.notice)`;

let browser = null;
let daemon = null;
let relay = null;
let clean = [];  // pages of a case that must not have reported an error

async function start(...flags) {
  daemon = new Daemon(wsd, flags);
  await daemon.start();
}

async function open(url, options) {
  const page = await browser.open(url, options);
  await page.until("it is connected", kConnected);
  return page;
}

async function say(page, text) {
  await page.evaluate(`document.getElementById("text").focus()`);
  await page.type(text);
  await page.key("Enter");
}

const sees = (page, ...texts) =>
  page.until(`it shows ${texts}`, `${JSON.stringify(texts)}.every((t) => ${kTexts}.includes(t))`);

// Writes `count` more messages, "WHO 1" and so on, one every few milliseconds, whether or not the page
// is connected.
const write = (page, who, count) =>
  page.evaluate(`{
    window.to_write = (window.to_write ?? 0) + ${count};
    window.written ??= 0;
    window.writer ??= setInterval(() => {
      document.getElementById("text").value = "${who} " + ++window.written;
      document.getElementById("say").requestSubmit();
      if (window.written < window.to_write) return;
      clearInterval(window.writer);
      window.writer = null;
    }, 20);
  }`);

const numbered = (who, count) => Array.from({ length: count }, (_, i) => `${who} ${i + 1}`);

// Checks that both pages show every message of `written` once, in the order of each writer.
async function expect_all(pages, written) {
  const total = Object.values(written).flat().length;
  for (const page of pages) {
    await page.until(`it shows ${total} messages and none waits`,
      `${kTexts}.length >= ${total} && ${kPending} === 0`);
    const texts = await page.evaluate(kTexts);
    for (const [who, lines] of Object.entries(written)) {
      assert.deepEqual(texts.filter((text) => text.startsWith(`${who} `)), lines);
    }
    assert.equal(texts.length, total);
  }
}

const cases = {
  async chat() {
    await start();
    const ann = await open(daemon.url);
    const bob = await open(daemon.url);
    await say(ann, "hello from Ann");
    await sees(bob, "hello from Ann");
    await say(bob, "and from Bob");
    await Promise.all([sees(ann, "and from Bob"), sees(bob, "and from Bob")]);
    for (const page of [ann, bob]) {
      assert.deepEqual(await page.evaluate(kTexts), ["hello from Ann", "and from Bob"]);
      await page.until("two are here", `document.getElementById("members").textContent === "2 here"`);
      await page.until("the round trip is shown", `/^[\\d.]+ ms$/.test(document.getElementById("trip").textContent)`);
      await page.until("the chart has moved",
        `/at most [1-9]/.test(document.getElementById("chart").getAttribute("aria-label"))`);
    }
    // Without history the page explains the consequence.
    assert.equal(await ann.evaluate(`document.getElementById("history-note").hidden`), false);
    clean.push(ann, bob);
  },

  async order() {
    await start("--reactors", "2");
    const ann = await open(daemon.url);
    const bob = await open(daemon.url);
    await Promise.all([write(ann, "ann", 100), write(bob, "bob", 100)]);
    await expect_all([ann, bob], { ann: numbered("ann", 100), bob: numbered("bob", 100) });
    assert.deepEqual(await ann.evaluate(kTexts), await bob.evaluate(kTexts));
    clean.push(ann, bob);
  },

  async rooms() {
    await start(...kHistory);
    const ann = await open(`${daemon.url}#one,two`);
    const bob = await open(`${daemon.url}#two`);
    await say(ann, "for one");
    await sees(ann, "for one");
    await say(bob, "for two");
    await ann.until("the other room has one unread", `document.title.startsWith("(1) ")`);
    await ann.evaluate(`document.querySelectorAll(".room")[1].click()`);
    assert.deepEqual(await ann.evaluate(kTexts), ["for two"]);
    assert.equal(await ann.evaluate("document.title"), "#two · wsd");
    const late = await open(`${daemon.url}#one`);
    await sees(late, "for one");
    assert.deepEqual(await late.evaluate(kNotices), []);
    await ann.evaluate(`document.getElementById("leave").click()`);
    await bob.until("Ann has left", `document.getElementById("members").textContent === "1 here"`);
    clean.push(ann, bob, late);
  },

  // The daemon is killed twice with messages in transit, and restarts on its port.
  async restart() {
    await start(...kHistory);
    const ann = await open(daemon.url);
    const bob = await open(daemon.url);
    const pages = [ann, bob];
    for (let round = 0; round < 2; ++round) {
      const before = (await ann.evaluate(kTexts)).length;
      await Promise.all([write(ann, "ann", 60), write(bob, "bob", 60)]);
      await ann.until("it has seen some more", `${kTexts}.length > ${before} + 20`);
      await daemon.kill();
      for (const page of pages) {
        await page.until("it says that it is away", kAway);
        await page.until("something waits", `${kPending} > 0`);
      }
      assert.match(await ann.evaluate(`document.getElementById("state").textContent`), /^Reconnecting/);
      await daemon.start();
      for (const page of pages) await page.until("it is connected again", kConnected);
    }
    await expect_all(pages, { ann: numbered("ann", 120), bob: numbered("bob", 120) });
    for (const page of pages) {
      const notices = await page.evaluate(kNotices);
      assert.equal(notices.filter((each) => each === "anew").length, 2, notices.join());
    }
  },

  // History on disk: the room continues after each kill, so nothing is missing, nothing is shown twice,
  // and both pages have the same order.
  async disk() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-log-"));
    try {
      await start(...kHistory, "--history-dir", path.join(folder, "log"));
      const pages = [await open(daemon.url), await open(daemon.url)];
      const [ann, bob] = pages;
      for (let round = 0; round < 3; ++round) {
        const before = (await ann.evaluate(kTexts)).length;
        await Promise.all([write(ann, "ann", 60), write(bob, "bob", 60)]);
        await ann.until("it has seen some more", `${kTexts}.length > ${before} + 20`);
        await daemon.kill();
        for (const page of pages) {
          await page.until("it says that it is away", kAway);
          await page.until("something waits", `${kPending} > 0`);
        }
        await daemon.start();
        for (const page of pages) await page.until("it is connected again", kConnected);
      }
      await expect_all(pages, { ann: numbered("ann", 180), bob: numbered("bob", 180) });
      assert.deepEqual(await ann.evaluate(kTexts), await bob.evaluate(kTexts));
      for (const page of pages) {
        const notices = await page.evaluate(kNotices);
        assert.deepEqual(notices, notices.filter((each) => each === "back"));
      }
      const late = await open(daemon.url);
      await late.until("it shows the history", `${kTexts}.length >= 50`);
      const texts = await ann.evaluate(kTexts);
      assert.deepEqual(await late.evaluate(kTexts), texts.slice(-50));
    } finally {
      await daemon.kill();
      fs.rmSync(folder, { recursive: true });
    }
  },

  // Two nodes on one Redis. Ann's node is killed, and the relay brings her to Bob's: nothing is missing,
  // nothing is shown twice, and both pages have the same order.
  async engine() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-redis-"));
    const redis = new Redis(folder);
    let other = null;
    try {
      await redis.start();
      const flags = [...kHistory, "--engine", `redis+unix:${redis.socket}`];
      await start(...flags);
      other = new Daemon(wsd, flags);
      await other.start();
      relay = await Relay.to(other.port);
      const ann = await open(relay.url);
      const bob = await open(daemon.url);
      const pages = [ann, bob];
      for (let round = 0; round < 3; ++round) {
        const before = (await ann.evaluate(kTexts)).length;
        await Promise.all([write(ann, "ann", 60), write(bob, "bob", 60)]);
        await ann.until("it has seen some more", `${kTexts}.length > ${before} + 20`);
        relay.target = daemon.port;
        await other.kill();
        await ann.until("it is connected to the other node", kConnected);
        await expect_all(pages, { ann: numbered("ann", 60 * (round + 1)), bob: numbered("bob", 60 * (round + 1)) });
        await other.start();
        relay.target = other.port;
        await relay.cut();
        await relay.restore();
        await ann.until("it is connected again", kConnected);
      }
      assert.deepEqual(await ann.evaluate(kTexts), await bob.evaluate(kTexts));
      assert.deepEqual(await bob.evaluate(kNotices), []);
      const notices = await ann.evaluate(kNotices);
      assert.deepEqual(notices, notices.filter((each) => each === "back"));
    } finally {
      await daemon?.kill();
      await other?.kill();
      await redis.kill();
      fs.rmSync(folder, { recursive: true });
    }
  },

  // The daemon is killed when the writer has seen the message and the others have not.
  async unsettled() {
    await start(...kHistory);
    relay = await Relay.to(daemon.port);
    const ann = await open(daemon.url);
    const bob = await open(relay.url);
    await say(ann, "for both");
    await sees(bob, "for both");
    relay.hold();
    await say(ann, "for Ann alone");
    await sees(ann, "for Ann alone");
    await daemon.kill();
    await relay.cut();
    await daemon.start();
    await relay.restore();
    for (const page of [ann, bob]) {
      await page.until("it tells the restart", `${kNotices}.includes("anew")`);
      await sees(page, "for Ann alone");
    }
    await say(bob, "the end");
    for (const page of [ann, bob]) {
      await sees(page, "the end");
      assert.deepEqual(await page.evaluate(kTexts), ["for both", "for Ann alone", "the end"]);
    }
  },

  // The connection is cut; the daemon keeps running.
  async resume() {
    await start(...kHistory, "--publish", "loopback");
    relay = await Relay.to(daemon.port);
    const ann = await open(relay.url);
    const bob = await open(daemon.url);
    await say(bob, "before");
    await sees(ann, "before");
    await relay.cut();
    await ann.until("it says that it is away", kAway);
    await say(bob, "meanwhile");
    await say(ann, "typed while away");
    for (const body of ["posted 1", "posted 2"]) {
      const answer = await fetch(`${daemon.url}rooms/lobby`, {
        method: "POST",
        headers: { "Content-Type": "text/plain" },
        body,
      });
      assert.equal(answer.status, 200);
    }
    await sees(bob, "posted 2");
    assert.equal(await ann.evaluate(kPending), 1);
    await relay.restore();
    await ann.until("it is connected again", kConnected);
    for (const page of [ann, bob]) {
      await sees(page, "typed while away");
      assert.deepEqual(await page.evaluate(kTexts),
        ["before", "meanwhile", "posted 1", "posted 2", "typed while away"]);
    }
    assert.deepEqual(await ann.evaluate(kNotices), ["back"]);
    assert.match(await ann.evaluate(`document.querySelector(".notice").textContent`), /Received 3 messages sent meanwhile/);
  },

  // Cuts the connection during writing, so that messages and their echoes are lost in transit.
  async cuts() {
    await start(...kHistory);
    relay = await Relay.to(daemon.port);
    const ann = await open(relay.url);
    const bob = await open(daemon.url);
    for (let round = 0; round < 4; ++round) {
      const before = (await ann.evaluate(kTexts)).length;
      await Promise.all([write(ann, "ann", 50), write(bob, "bob", 50)]);
      await ann.until("it has seen some more", `${kTexts}.length > ${before} + 10`);
      await relay.cut();
      await ann.until("it says that it is away", kAway);
      await relay.restore();
      await ann.until("it is connected again", kConnected);
    }
    await expect_all([ann, bob], { ann: numbered("ann", 200), bob: numbered("bob", 200) });
    assert.deepEqual(await ann.evaluate(kTexts), await bob.evaluate(kTexts));
    const notices = await ann.evaluate(kNotices);
    assert.ok(!notices.includes("missed") && !notices.includes("anew"), notices.join());
  },

  // Without history, missed messages are lost, and the page shows how many.
  async gap() {
    await start();
    relay = await Relay.to(daemon.port);
    const ann = await open(relay.url);
    const bob = await open(daemon.url);
    await say(bob, "before");
    await sees(ann, "before");
    await relay.cut();
    await ann.until("it says that it is away", kAway);
    for (const text of ["lost 1", "lost 2"]) await say(bob, text);
    await sees(bob, "lost 2");
    await relay.restore();
    await ann.until("it tells the gap", `${kNotices}.includes("missed")`);
    assert.match(await ann.evaluate(`document.querySelector(".gap").textContent`), /^2 messages are missing here/);
    await say(bob, "after");
    await sees(ann, "after");
    assert.deepEqual(await ann.evaluate(kTexts), ["before", "after"]);
  },

  // More messages than the server allows, written at once. A program that is in the room and knows no
  // ids gets each of them once, also on a machine so slow that the limit is not exceeded.
  async rate() {
    await start("--max-messages-per-second", "2");
    const ann = await open(daemon.url);
    const plain = await open(`${daemon.url}#another`);
    await plain.evaluate(`new Promise((resolve, reject) => {
      window.seen = [];
      const socket = new WebSocket(new URL("rooms/lobby", location.href.replace("http", "ws").replace(/#.*/, "")));
      socket.onopen = resolve;
      socket.onerror = reject;
      socket.onmessage = ({ data }) => seen.push(JSON.parse(data).text);
    })`);
    const written = Array.from({ length: 8 }, (_, i) => `quick ${i}`);
    await ann.evaluate(`for (const text of ${JSON.stringify(written)}) {
      document.getElementById("text").value = text;
      document.getElementById("say").requestSubmit();
    }`);
    await ann.until("nothing waits", `${kPending} === 0`);
    await plain.until("the last one has come", `seen.includes("quick 7")`);
    assert.deepEqual(await plain.evaluate("seen"), written);
    assert.deepEqual(await ann.evaluate(kTexts), written);
  },

  // The room is forgotten while its only member is away.
  async alone() {
    await start();
    relay = await Relay.to(daemon.port);
    const ann = await open(relay.url);
    await say(ann, "to nobody");
    await sees(ann, "to nobody");
    await relay.cut();
    await ann.until("it says that it is away", kAway);
    await say(ann, "written while away");
    await relay.restore();
    await ann.until("it is connected again", kConnected);
    await sees(ann, "written while away");
    assert.deepEqual(await ann.evaluate(kNotices), ["back"]);
    assert.match(await ann.evaluate(`document.querySelector(".notice").textContent`),
      /^Reconnected after [\d.]+ s(econds)?\. (The room was empty for a while|No messages were sent meanwhile)\.$/);
    assert.deepEqual(await ann.evaluate(kTexts), ["to nobody", "written while away"]);
  },

  async markup() {
    await start("--publish", "loopback");
    const ann = await open(daemon.url);
    const hostile = `<img src=x onerror="document.title='owned'"><b>bold</b><script>alert(1)</script>`;
    await ann.evaluate(`document.getElementById("name").value = "<i>Ann</i>"`);
    await say(ann, hostile);
    await sees(ann, hostile);
    for (const body of [JSON.stringify({ name: hostile, text: "named" }), hostile, `{"text":7}`, "[]"]) {
      await fetch(`${daemon.url}rooms/lobby`, { method: "POST", headers: { "Content-Type": "text/plain" }, body });
    }
    await sees(ann, "named", `{"text":7}`, "[]");
    assert.equal((await ann.evaluate(kTexts)).filter((each) => each === hostile).length, 2);
    assert.equal(await ann.evaluate(`document.querySelectorAll(".log img, .log b, .log i, .log script").length`), 0);
    assert.equal(await ann.evaluate("document.title"), "#lobby · wsd");
    clean.push(ann);
  },

  async token() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-users-"));
    const users = path.join(folder, "users");
    fs.writeFileSync(users, "ann-0123456789abcdef ann read=* write=lobby\n", { mode: 0o600 });
    try {
      await start("--auth-file", users);
      const ann = await browser.open(`${daemon.url}#lobby`);
      const present = async (token) => {
        await ann.type(token);
        await ann.key("Enter");
      };
      const focus = () => ann.evaluate("document.activeElement.id");
      await ann.until("it asks for a token", `!document.getElementById("admit").hidden`);
      await ann.until("the focus is where the token is entered", `document.activeElement.id === "token"`);
      await present("nobody-0123456789abcdef");
      await ann.until("the token is refused",
        `document.getElementById("admit-text").textContent.includes("not valid")`);
      assert.equal(await focus(), "token");
      await ann.type("also-wrong-0123456789"); // in place of the first one, which is selected
      assert.equal(await ann.evaluate(`document.getElementById("token").value`), "also-wrong-0123456789");
      await ann.evaluate(`document.getElementById("token").value = "ann-0123456789abcdef"`);
      await ann.key("Enter");
      await ann.until("it is connected", kConnected);
      assert.equal(await focus(), "text");
      assert.equal(await ann.evaluate(`document.getElementById("token").value`), "");
      await say(ann, "let in");
      await sees(ann, "let in");
      await ann.evaluate(`document.getElementById("room").focus()`);
      await ann.type("news");
      await ann.key("Enter");
      await ann.until("it is connected", kConnected);
      await say(ann, "not mine to write");
      await ann.until("it says that it was not sent",
        `document.querySelector(".failed .status")?.textContent.includes("only read")`);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
};

Object.assign(cases, layout_cases({
  start,
  open,
  say,
  sees,
  browser: () => browser,
  url: () => daemon.url,
  relay: async () => (relay = await Relay.to(daemon.port)),
  must_stay_clean: (...pages) => clean.push(...pages),
}));

async function end_case() {
  for (const page of clean) {
    assert.deepEqual(page.errors, []);
    assert.deepEqual(await page.evaluate("violations"), []);
  }
  clean = [];
  await browser.close_pages();
  await relay?.cut().catch(() => {});  // it may be cut already
  relay = null;
  await daemon.kill("SIGTERM");
}

async function main() {
  // Fails before the calling test times out, because the test could not stop the processes that
  // this script has started.
  const late = setTimeout(() => fail(new Error("all of it takes too long")), 8 * kPatienceMs);
  browser = await Browser.start(chromium);
  for (const name of names) {
    const begun = Date.now();
    await cases[name]().catch((error) => {
      throw new Error(`case ${name}`, { cause: error });
    });
    await end_case();
    console.log(`ok ${name} (${Date.now() - begun} ms)`);
  }
  clearTimeout(late);
  await browser.stop();
  console.log("ok all");
}

async function fail(error) {
  console.log(error);
  await browser?.stop().catch(console.log);
  await daemon?.kill().catch(console.log);
  process.exit(1);
}

main().catch(fail);

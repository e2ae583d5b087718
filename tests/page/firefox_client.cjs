// Tests that the page works in Firefox too:
//
//   node firefox_client.cjs FIREFOX WSD
//
// Two pages join a room, talk, and come back after the daemon was killed. Prints "ok all".
"use strict";

const assert = require("node:assert/strict");
const { kPatienceMs } = require("./browser.cjs");
const { Daemon } = require("./daemon.cjs");
const { Firefox } = require("./firefox.cjs");

const [binary, wsd] = process.argv.slice(2);
const kEnter = "\uE007";
const kState = `document.getElementById("state").dataset.state`;
const kTexts = `[...document.querySelectorAll(".log:not([hidden]) .message:not(.pending, .failed)")]
  .map((line) => line.querySelector(".text").textContent)`;

let firefox = null;
let daemon = null;

const sees = (page, ...texts) =>
  page.until(`it shows ${texts}`, `JSON.stringify(${kTexts}) === ${JSON.stringify(JSON.stringify(texts))}`);

async function talk() {
  const pages = [];
  for (let i = 0; i < 2; ++i) {
    pages.push(await firefox.open(daemon.url));
    await pages[i].until("it is connected", `${kState} === "connected"`);
  }
  const [ann, bob] = pages;
  await ann.type("text", `from Ann${kEnter}`);
  for (const page of pages) await sees(page, "from Ann");
  await bob.type("text", `from Bob${kEnter}`);
  for (const page of pages) await sees(page, "from Ann", "from Bob");
  await ann.until("two are here", `document.getElementById("members").textContent === "2 here"`);
  await ann.until("the round trip is shown", `/^[\\d.]+ ms$/.test(document.getElementById("trip").textContent)`);
  await daemon.kill();
  for (const page of pages) await page.until("it is away", `["waiting", "connecting"].includes(${kState})`);
  await ann.type("text", `written while away${kEnter}`);
  await daemon.start();
  for (const page of pages) await page.until("it is connected again", `${kState} === "connected"`);
  for (const page of pages) {
    await page.until("the text has come", `${kTexts}.filter((each) => each === "written while away").length === 1`);
  }
  assert.equal(await ann.evaluate(`document.querySelectorAll(".pending").length`), 0);
  assert.equal(await ann.evaluate(`document.documentElement.scrollWidth <= innerWidth`), true);
}

async function main() {
  const late = setTimeout(() => fail(new Error("all of it takes too long")), 4 * kPatienceMs);
  daemon = new Daemon(wsd, ["--history-messages", "100"]);
  await daemon.start();
  firefox = await Firefox.start(binary);
  await talk();
  clearTimeout(late);
  await firefox.stop();
  await daemon.kill("SIGTERM");
  console.log("ok all");
}

async function fail(error) {
  console.log(error);
  await firefox?.stop().catch(console.log);
  await daemon?.kill().catch(console.log);
  process.exit(1);
}

main().catch(fail);

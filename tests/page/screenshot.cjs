// Makes screenshots of the page for the documentation:
//
//   node screenshot.cjs CHROMIUM WSD FOLDER
//
// Writes FOLDER/screenshot.png and FOLDER/screenshot-phone-dark.png, in about a minute. Three
// people chat over WSD, and the connection of one is cut for a while. A sensor sends to another
// room, so that the chart shows data.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Browser, pause } = require("./browser.cjs");
const { Daemon, Relay } = require("./daemon.cjs");

const [chromium, wsd, folder] = process.argv.slice(2);
const kConnected = `document.getElementById("state").dataset.state === "connected"`;

// The page uses the system-ui font of the machine. On a machine without a desktop, the first font
// of this list that is installed is used.
const kFonts = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>/usr/share/fonts</dir><cachedir>CACHE</cachedir>
<match><test name="family"><string>system-ui</string></test><edit name="family" mode="prepend" binding="strong">
<string>Inter</string><string>Noto Sans</string><string>Roboto</string><string>DejaVu Sans</string></edit></match>
</fontconfig>`;

const kTalk = [
  ["Ann", "Morning! The 2.4 build is out, I am rolling it to the first group now."],
  ["Ben", "Good. I have the dashboards open."],
  ["Ann", "Connections drain evenly, no herd so far."],
  ["Ben", "Same here: round trips did not move at all."],
  ["Ben", "Mia is on a train, her link drops every few minutes."],
];
const kTalkInTheTunnel = [
  ["Ann", "She will see this when she is through the tunnel."],
  ["Mia", "Through! I had all of it at once, and this I wrote in the dark."],
];
const kTalkAfter = [
  ["Ben", "And it came out in order. Next group in ten minutes?"],
  ["Ann", "Yes. I will say so here before I start."],
];
const kPaceMs = 5500;

// Readings in a separate room, at a rate that changes over time.
const kReadings = `{
  let tick = 0;
  setInterval(() => {
    const second = ++tick / 10;
    const rate = 4 + 3 * Math.sin(second / 5) + 2.5 * Math.sin(second / 1.7);
    if (Math.random() >= rate / 10) return;
    document.getElementById("text").value = "load " + rate.toFixed(2);
    document.getElementById("say").requestSubmit();
  }, 100);
}`;

async function say(page, text) {
  await page.evaluate(`{
    document.getElementById("text").value = ${JSON.stringify(text)};
    document.getElementById("say").requestSubmit();
  }`);
}

async function talk(people, lines) {
  for (const [name, text] of lines) {
    await say(people.get(name), text);
    await pause(kPaceMs);
  }
}

async function main() {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-picture-"));
  const fonts = path.join(scratch, "fonts.conf");
  fs.writeFileSync(fonts, kFonts.replace("CACHE", path.join(scratch, "cache")));
  const daemon = new Daemon(wsd, ["--history-messages", "100"]);
  await daemon.start();
  const relay = await Relay.to(daemon.port);
  const browser = await Browser.start(chromium, { env: { FONTCONFIG_FILE: fonts } });
  try {
    const people = new Map();
    for (const name of ["Ben", "Mia", "Ann"]) {
      const phone = { width: 390, height: 844, dark: true, touch: true, scale: 1.5 };
      const rooms = "#deploys,telemetry,lobby";
      const page = await (name === "Mia"
        ? browser.open(relay.url + rooms, phone)
        : browser.open(daemon.url + rooms));
      await page.until("it is connected", kConnected);
      await page.evaluate(`document.getElementById("name").value = "${name}"`);
      people.set(name, page);
    }
    const [ann, mia] = [people.get("Ann"), people.get("Mia")];
    const sensor = await browser.open(`${daemon.url}#telemetry`);
    await sensor.until("it is connected", kConnected);
    await sensor.evaluate(kReadings);
    await talk(people, kTalk);
    await relay.cut();
    await mia.until("it is away", `!(${kConnected})`);
    await talk(people, kTalkInTheTunnel);
    await relay.restore();
    await mia.until("nothing waits", `document.querySelectorAll(".pending").length === 0`);
    await talk(people, kTalkAfter);
    await pause(2 * kPaceMs);
    await ann.until("three are here", `document.getElementById("members").textContent === "3 here"`);
    await mia.until("the round trip is shown", `document.getElementById("trip").textContent !== "–"`);
    await ann.screenshot(path.join(folder, "screenshot.png"));
    await mia.screenshot(path.join(folder, "screenshot-phone-dark.png"));
  } finally {
    await browser.stop();
    await relay.cut();
    await daemon.kill("SIGTERM");
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

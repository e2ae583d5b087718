// Cases of page_client.cjs about what the page shows: layout, colours, focus and words.
"use strict";

const assert = require("node:assert/strict");

const kConnected = `document.getElementById("state").dataset.state === "connected"`;
const kAway = `["waiting", "connecting"].includes(document.getElementById("state").dataset.state)`;
const kPhone = { width: 360, height: 740, touch: true };
// 33 characters, right to left, an emoji, and the longest name, which has 128 bytes.
const kNames = ["lobby", "a-room-with-33-characters-in-name", "\u063a\u0631\u0641\u0629 \u0627\u0644\u062f\u0631\u062f\u0634\u0629",
  "\u{1F389}".repeat(20), "x".repeat(128)];

const hash_of = (names) => `#${names.map(encodeURIComponent).join(",")}`;
const box_of = (page, id) => page.evaluate(`document.getElementById("${id}").getBoundingClientRect().toJSON()`);

async function expect_inside(page, ids, { width, height }) {
  for (const id of ids) {
    const { left, right, top, bottom } = await box_of(page, id);
    assert.ok(right > left && bottom > top, `${id} is not shown`);
    assert.ok(left >= 0 && right <= width && top >= 0 && bottom <= height, `${id}: ${left} to ${right}, ${top} to ${bottom}`);
  }
}

// The lowest contrast of a text that is shown, with the text. Backgrounds and opacities add up.
const kLowestContrast = `(() => {
  const parse = (color) => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
  const over = (top, below) => top.rgb.map((each, i) => each * top.a + below[i] * (1 - top.a));
  const ancestors = (node) => { const all = []; for (let e = node; e; e = e.parentElement) all.unshift(e); return all; };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((each) => each / 255).map((s) => s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let lowest = { ratio: 21, text: "" };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode()); ) {
    const element = node.parentElement;
    if (node.data.trim() === "" || !element.checkVisibility() || element.closest(":disabled, noscript")) continue;
    let ground = [255, 255, 255];
    let opacity = 1;
    for (const each of ancestors(element)) {
      const style = getComputedStyle(each);
      opacity *= Number(style.opacity);
      const { rgb, a } = parse(style.backgroundColor);
      ground = over({ rgb, a: a * opacity }, ground);
    }
    const color = parse(getComputedStyle(element).color);
    const text = over({ rgb: color.rgb, a: color.a * opacity }, ground);
    const [dark, light] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < lowest.ratio) lowest = { ratio, text: node.data, color: text.join(), ground: ground.join() };
  }
  return lowest;
})()`;

async function expect_contrast(page) {
  for (const dark of [false, true]) {
    await page.set_dark(dark);
    const lowest = await page.evaluate(kLowestContrast);
    assert.ok(lowest.text !== "" && lowest.ratio >= 4.5, `dark: ${dark}, ${JSON.stringify(lowest)}`);
  }
}

exports.layout_cases = (t) => ({
  async keyboard() {
    await t.start();
    const ann = await t.open(`${t.url()}#`);
    const bob = await t.open(t.url());
    // Moves the focus to the top of the page, as after loading.
    await ann.evaluate(`{
      const brand = document.querySelector(".brand");
      brand.tabIndex = -1;
      brand.focus();
      brand.removeAttribute("tabindex");
    }`);
    const reached = [];
    for (let i = 0; i < 12; ++i) {
      await ann.key("Tab");
      reached.push(await ann.evaluate(`document.activeElement.id || document.activeElement.className`));
      // The focus is shown by an outline or by a border.
      const outline = await ann.evaluate(`getComputedStyle(document.activeElement).outlineStyle`);
      assert.notEqual(outline, "none", `no ring: ${reached}`);
      if (reached.at(-1) === "text") break;
    }
    assert.deepEqual(reached, ["room", "enter", "name", "room", "leave", "log", "text"]);
    await ann.type("by keys alone");
    await ann.key("Enter");
    await t.sees(bob, "by keys alone");
    await ann.key("Tab");
    assert.equal(await ann.evaluate(`document.activeElement.id`), "send");
    for (let i = 0; i < 7; ++i) await ann.key("Tab", 8);
    assert.equal(await ann.evaluate(`document.activeElement.id`), "room");
    await ann.type("den");
    await ann.key("Enter");
    await ann.until("the room is entered", `document.getElementById("title").textContent === "den"`);
    for (const id of ["room", "name", "text", "token"]) {
      assert.ok(await ann.evaluate(`document.getElementById("${id}").labels.length`), id);
    }
    assert.equal(await ann.evaluate(`document.querySelector(".log").getAttribute("role")`), "log");
    t.must_stay_clean(ann, bob);
  },

  // The log begins below one row, and the rest is behind a button.
  async phone() {
    await t.start();
    const ann = await t.open(t.url() + hash_of(kNames), kPhone);
    await t.say(ann, "x".repeat(4000));
    await t.sees(ann, "x".repeat(4000));
    assert.equal(await ann.evaluate("document.documentElement.scrollWidth"), kPhone.width);
    await expect_inside(ann, ["menu", "title", "members", "state", "leave", "text", "send"], kPhone);
    assert.ok((await box_of(ann, "logs")).top <= 64, "more than one row is above the chat");
    await ann.evaluate(`document.getElementById("menu").click()`);
    await expect_inside(ann, ["room", "enter", "name", "text", "send"], kPhone);
    await ann.key("Escape");
    assert.ok((await box_of(ann, "logs")).top <= 64, "the rooms are still there");
    for (let i = 0; i < kNames.length; ++i) {
      await ann.evaluate(`document.getElementById("menu").click()`);
      await ann.evaluate(`document.querySelectorAll(".room")[${i}].click()`);
      await ann.until("it is connected", kConnected);
      await ann.until("one is here", `document.getElementById("members").textContent === "1 here"`);
      await expect_inside(ann, ["menu", "title", "members", "state", "leave"], kPhone);
      assert.ok((await box_of(ann, "logs")).top <= 64, "the rooms are still there");
    }
    // Without a room, the form that joins one is open.
    for (let i = 0; i < kNames.length; ++i) await ann.evaluate(`document.getElementById("leave").click()`);
    await expect_inside(ann, ["room", "enter"], kPhone);
    t.must_stay_clean(ann);
  },

  // However long the names are, the counts beside them are in view.
  async names() {
    await t.start();
    const counts = `[...document.querySelectorAll(".room .people")]`;
    for (const size of [{ width: 1200, height: 750 }, { width: 900, height: 700 }, kPhone]) {
      const ann = await t.open(t.url() + hash_of(kNames), size);
      await ann.evaluate(`document.getElementById("menu")?.click()`);
      await ann.until("each room has a count", `${counts}.every((each) => each.textContent !== "")`);
      const right = await ann.evaluate(`document.querySelector("nav").getBoundingClientRect().right`);
      for (const box of await ann.evaluate(`${counts}.map((each) => each.getBoundingClientRect().toJSON())`)) {
        assert.ok(box.width > 0 && box.right <= right, `${box.right} is beyond ${right}, at ${size.width}`);
      }
      assert.deepEqual(await ann.evaluate(`[...document.querySelectorAll(".room")].map((each) => each.title)`), kNames);
      t.must_stay_clean(ann);
    }
  },

  async empty() {
    await t.start();
    const ann = await t.open(t.url());
    const words = `document.getElementById("empty").innerText`;
    await ann.until("it says that Ann is alone", `${words}.includes("You are alone here")`);
    const bob = await t.open(t.url());
    await bob.until("it invites Bob", `${words}.includes("Write the first one")`);
    await t.say(bob, "the first one");
    for (const page of [ann, bob]) {
      await t.sees(page, "the first one");
      await page.until("the words are gone", `${words} === ""`);
    }
    await ann.evaluate(`document.getElementById("leave").click()`);
    assert.equal(await ann.evaluate(words), "Join a room to begin.");
    t.must_stay_clean(ann, bob);
  },

  // What is too long is neither cut nor sent, and the page says so.
  async paste() {
    await t.start();
    const ann = await t.open(t.url());
    const text = "y".repeat(4213);
    await t.say(ann, text);
    const value = (id) => ann.evaluate(`document.getElementById("${id}").value`);
    assert.equal(await value("text"), text);
    assert.match(await ann.evaluate(`document.getElementById("limit").innerText`), /4213 characters.*4000.*by 213/);
    assert.equal(await ann.evaluate(`document.querySelectorAll(".message").length`), 0);
    await ann.evaluate(`document.getElementById("text").setSelectionRange(4000, 4213)`);
    await ann.evaluate(`document.execCommand("delete")`);
    assert.equal(await ann.evaluate(`document.getElementById("limit").innerText`), "");
    await ann.key("Enter");
    await t.sees(ann, text.slice(0, 4000));
    for (const [id, long, words] of [["room", "\u00e9".repeat(65), /130 bytes.*128/], ["name", "n".repeat(65), /65 characters.*64/]]) {
      await ann.evaluate(`document.getElementById("${id}").focus(); document.getElementById("${id}").select()`);
      await ann.type(long);
      await ann.key("Enter");
      assert.equal(await value(id), long);
      assert.match(await ann.evaluate(`document.getElementById("${id}").validationMessage`), words);
    }
    assert.equal(await ann.evaluate(`document.querySelectorAll(".room").length`), 1);
    await t.say(ann, "under a name that is too long");
    assert.equal(await value("text"), "under a name that is too long");
    t.must_stay_clean(ann);
  },

  // The lines of the chat, and what belongs to them, are no wider than 60rem.
  async wide() {
    await t.start();
    const ann = await t.open(t.url(), { width: 2400, height: 900 });
    await t.say(ann, "word ".repeat(300).trim());
    await t.sees(ann, "word ".repeat(300).trim());
    const rem = await ann.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)");
    const [title, leave, text, send] = await Promise.all(["title", "leave", "text", "send"].map((id) => box_of(ann, id)));
    assert.ok(leave.right - title.left <= 60 * rem + 1 && send.right - text.left <= 60 * rem + 1);
    const line = await ann.evaluate(`document.querySelector(".message").getBoundingClientRect().toJSON()`);
    assert.ok(line.width <= 60 * rem + 1, `${line.width} pixels`);
    assert.ok(Math.abs(line.left - text.left) < 2 && Math.abs(line.right - send.right) < 2, "one column");
  },

  // The last line stays in view when a banner takes its place, and the focus stays where it is.
  async banner() {
    await t.start("--history-messages", "100");
    const relay = await t.relay();
    const ann = await t.open(relay.url);
    for (let i = 0; i < 30; ++i) await t.say(ann, `line ${i}`);
    await t.sees(ann, "line 29");
    const rest = `(() => { const log = document.querySelector(".log"); return log.scrollHeight - log.scrollTop - log.clientHeight; })()`;
    await ann.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-reduced-motion", value: "no-preference" }] });
    await relay.cut();
    await ann.until("the banner is there", `${kAway} && !document.getElementById("banner").hidden`);
    await ann.until("the last line is in view", `${rest} <= 1`);
    await ann.until("the dot breathes", "document.getAnimations().length > 0");
    await ann.set_dark(false); // with reduced motion
    await ann.until("nothing moves", "document.getAnimations().length === 0");
    await ann.evaluate(`document.getElementById("retry").focus()`);
    await ann.key("Enter");
    assert.equal(await ann.evaluate("document.activeElement.id"), "retry");
    await relay.restore();
    await ann.until("it is connected again", kConnected);
    assert.equal(await ann.evaluate("document.activeElement.id"), "text");
  },

  async contrast() {
    await t.start();
    const relay = await t.relay();
    const [ann, bob] = [await t.open(relay.url + hash_of(kNames)), await t.open(t.url())];
    await t.say(bob, "from Bob");
    await t.sees(ann, "from Bob");
    await expect_contrast(bob);
    await relay.cut();
    await ann.until("the banner is there", `${kAway} && !document.getElementById("banner").hidden`);
    await t.say(ann, "pending");
    await t.say(bob, "missed by Ann");
    await expect_contrast(ann);
    await relay.restore();
    await ann.until("it is connected again", kConnected);
    await t.sees(ann, "pending");
    await ann.evaluate(`document.querySelectorAll(".room")[1].click()`);
    await t.say(bob, "unread");
    await ann.until("one is unread", `document.querySelector(".badge:not(:empty)") !== null`);
    await expect_contrast(ann);
    await ann.evaluate(`document.querySelectorAll(".room")[0].click()`);
    await ann.type("z".repeat(4001));
    await expect_contrast(ann);
  },

  // What a screen reader gets: each control has a name, and the parts of the page have roles.
  async roles() {
    await t.start();
    const ann = await t.open(t.url() + hash_of(kNames));
    // open() waits for the room that is shown, and the others connect beside it.
    await ann.until("all rooms are connected",
      `[...document.querySelectorAll(".room")].every((each) => each.getAttribute("aria-label").includes(", connected"))`);
    await t.say(ann, "hello");
    await t.sees(ann, "hello");
    const { nodes } = await ann.send("Accessibility.getFullAXTree");
    const shown = nodes.filter((node) => !node.ignored).map(({ role, name }) => ({ role: role?.value, name: name?.value ?? "" }));
    const controls = shown.filter(({ role }) => ["button", "textbox", "log", "image"].includes(role));
    assert.ok(controls.length >= 10, JSON.stringify(controls));
    for (const { role, name } of controls) assert.notEqual(name, "", role);
    for (const role of ["main", "navigation", "log", "heading", "status"]) {
      assert.ok(shown.some((each) => each.role === role), `no ${role}`);
    }
    for (const name of kNames) assert.ok(controls.some((each) => each.name.startsWith(`${name}, connected`)), name);
    t.must_stay_clean(ann);
  },

  async dark() {
    await t.start();
    const ann = await t.open(t.url());
    const ground = `getComputedStyle(document.body).backgroundColor`;
    const light = await ann.evaluate(ground);
    await ann.set_dark(true);
    await ann.until("the background is another", `${ground} !== ${JSON.stringify(light)}`);
    t.must_stay_clean(ann);
  },
});

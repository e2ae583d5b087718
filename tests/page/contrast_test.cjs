// Computes the contrast of the page's text colours from the variables of page.css, in light and dark:
//
//   node contrast_test.cjs PAGE_CSS
//
// Prints "ok all" if each text colour has at least 4.5:1 on each of its backgrounds (WCAG 2.2, 1.4.3).
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");

const kLeast = 4.5;
const css = fs.readFileSync(process.argv[2], "utf8").replace(/\/\*[^]*?\*\//g, "");

// Text colour -> backgrounds on which the page has it.
const kPairs = {
  ink: ["ground", "surface", "raised", "own", "wait-ground", "bad-ground"],
  quiet: ["ground", "surface", "raised"],
  "accent-ink": ["accent"],
  good: ["surface"],
  wait: ["surface"],
  bad: ["surface", "bad-ground"],
};

function variables(block) {
  return new Map([...block.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

// WCAG 2.2: relative luminance, contrast ratio.
function luminance(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function check(what, text, background) {
  const ratio = contrast(text, background);
  assert.ok(ratio >= kLeast, `${what}: ${text} on ${background} has ${ratio.toFixed(2)}:1`);
}

assert.equal(contrast("#ffffff", "#000000").toFixed(2), "21.00");
assert.equal(contrast("#2a8a55", "#ffffff").toFixed(2), "4.32");

const blocks = [...css.matchAll(/:root\s*\{([^}]*)\}/g)].map(([, block]) => variables(block));
assert.equal(blocks.length, 2, "one block of variables for light, one for dark");
const [light, dark] = blocks;
for (const [scheme, colors] of [["light", light], ["dark", new Map([...light, ...dark])]]) {
  for (const [text, backgrounds] of Object.entries(kPairs)) {
    for (const background of backgrounds) {
      check(`${scheme}, --${text} on --${background}`, colors.get(text), colors.get(background));
    }
  }
}
const tints = [...css.matchAll(/\.(tint-\d)\s*\{\s*background:\s*(#[0-9a-f]{6})/g)];
assert.equal(tints.length, 8);
for (const [, name, background] of tints) check(name, "#ffffff", background);

// A colour or a translucent text that the table does not have.
for (const [, value] of css.matchAll(/[;{]\s*color:\s*([^;}]+)/g)) {
  const name = /^var\(--([a-z-]+)\)$/.exec(value.trim())?.[1];
  assert.ok(name in kPairs || ["inherit", "#fff"].includes(value.trim()), `no row for color: ${value}`);
}
const translucent = [...css.matchAll(/([^{}]*)\{[^{}]*\bopacity:\s*\.\d/g)].map(([, selector]) => selector.trim());
assert.deepEqual(translucent, ["button:disabled, textarea:disabled", ".area", "50%"]);
console.log("ok all");

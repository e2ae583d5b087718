// The web-platform-tests of WebSocket that tests/wpt/run.cjs does not run, and those that fail with
// every server, each with the reason.
"use strict";

const kBreaks = "its handler breaks the protocol on purpose, and the library never does";
const kBlocks = "its handler blocks a thread, which a handler of the library must not do";

// By the name of wpt's handler, in websockets/handlers.
const handlers = {
  invalid: kBreaks,
  wrong_accept_key: kBreaks,
  handshake_protocol: kBreaks,  // selects a subprotocol that nobody has offered
  echo_raw: kBreaks,
  handshake_sleep_2: kBlocks,
  sleep_10_v13: kBlocks,
  "delayed-passive-close": kBlocks,
  "receive-backpressure": kBlocks,
  "send-backpressure": kBlocks,
  stash_responder: "its handler uses wpt's stash",
  stash_responder_blocking: "its handler uses wpt's stash",
  handshake_no_extensions: "the server has one setting of extensions for all routes",
};

// By a text in the test.
const texts = {
  "/fetch/api/resources/stash": "it uses wpt's stash",
};

const kOldRule = "it expects an error for a relative or http: URL, which the standard allows since 2023";
const kSpace = "Chromium accepts a space in a host name";

// Tests that fail in the browser, by the beginning of their path and query. They failed in the same
// way with the server ws 8 of Node in the place of tests/wpt/server.cc.
const fail_everywhere = [
  ["/websockets/Create-Secure-url-with-space", kSpace],
  ["/websockets/Create-invalid-urls", kOldRule],
  ["/websockets/Create-non-absolute-url", kOldRule],
  ["/websockets/Create-wrong-scheme", kOldRule],
  ["/websockets/constructor/002.html", `${kOldRule}; ${kSpace}`],
  ["/websockets/Create-protocols-repeated-case-insensitive", "Chromium compares subprotocols with case"],
  ["/websockets/stream/tentative/constructor", "WebSocketStream has changed since"],
  ...["001", "002", "003", "005"].map((name) => [
    `/websockets/cookies/${name}.html?wss`,
    "Chromium treats an http: page and a wss: server as different sites",
  ]),
  ["/websockets/cookies/007.html", "Chromium stores the cookie while a script runs"],
  ["/websockets/cookies/third-party-cookie", "Chromium blocks third-party cookies"],
  ["/websockets/unload-a-document/002", "Chromium discards the document"],
  ["/websockets/unload-a-document/004", "Chromium discards the document"],
];

module.exports = { handlers, texts, fail_everywhere };

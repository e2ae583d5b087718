// Runs the web-platform-tests of WebSocket in Chromium, against tests/wpt/server.cc:
//   node run.cjs CHROMIUM SERVER WPT [ONLY]
// WPT is a work tree of web-platform-tests. ONLY selects the tests whose path contains it. Prints a
// line for each file, and exits with 1 if a test failed that does not
// fail with every server. TLS for wss: and https: ends here.
"use strict";

const { execFileSync, spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const tls = require("node:tls");
const { Browser, until } = require("../page/browser.cjs");
const { Files } = require("./files.cjs");
const expectations = require("./expectations.cjs");

const kHost = "web-platform.test";
const kAlt = "not-web-platform.test";
const kPatienceMs = 20000 * Number(process.env.WSD_TEST_PATIENCE || 1);
const kStatus = ["PASS", "FAIL", "TIMEOUT", "NOTRUN", "PRECONDITION_FAILED"];

// Makes a key and a certificate for this run.
function certificate() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-wpt-"));
  const file = (name) => path.join(folder, name);
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
    "-subj", `/CN=${kHost}`, "-keyout", file("key"), "-out", file("crt")], { stdio: "ignore" });
  const made = { key: fs.readFileSync(file("key")), cert: fs.readFileSync(file("crt")) };
  fs.rmSync(folder, { recursive: true });
  return made;
}

// Returns the port on which the server listens.
async function listening(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

// Starts the WebSocket server and returns its process and port.
async function start_server(binary) {
  const child = spawn(binary, [], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close").then(() => {
    throw new Error(`${binary} has ended without an address`);
  });
  const [line] = await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => {}); // its end is expected from now on
  return { child, port: Number(/:(\d+)\s*$/.exec(String(line))[1]) };
}

// Passes decrypted bytes to the WebSocket server.
const relay = (port) => (client) => {
  const server = net.connect(port, "127.0.0.1");
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
};

// Returns the reason not to run a test, or undefined.
function reason_against({ url, source }) {
  if (url.includes("wpt_flags=h2")) return "WebSocket over HTTP/2 (RFC 8441) is not part of the library";
  for (const [name, reason] of Object.entries(expectations.handlers)) {
    if (new RegExp(`/${name}(?![\\w-])`).test(source)) return `handler ${name}: ${reason}`;
  }
  return Object.entries(expectations.texts).find(([text]) => source.includes(text))?.[1];
}

// Returns whether a test may take longer than most.
const is_long = (source) => /META: timeout=long|name="?timeout"? content="?long/.test(source);

async function run_test(browser, url, patience_ms) {
  const page = await browser.open("about:blank", { shared: true });
  try {
    await page.send("Page.navigate", { url });
    const results = await until("the test ends", () =>
      page.evaluate("globalThis.wpt_results").catch(() => undefined), patience_ms);
    if (results.harness !== 0) {
      results.tests.push({ name: "harness", status: results.harness, message: results.message });
    }
    return results.tests;
  } catch (error) {
    return [{ name: "harness", status: 2, message: error.message }];
  } finally {
    await browser.close_pages();
  }
}

// Returns the reason why a test fails with every server, or undefined.
const reason_to_fail = ({ url }) => expectations.fail_everywhere.find(([begin]) => url.startsWith(begin))?.[1];

// Prints the result of one test.
function print(test, results, failed) {
  const known = failed.length > 0 ? reason_to_fail(test) : undefined;
  const why = known ? ` (with every server: ${known})` : "";
  console.log(`${String(results.length - failed.length).padStart(3)}/${results.length}  ${test.url}${why}`);
  if (known) return;
  for (const { name, status, message } of failed) {
    console.log(`         ${kStatus[status] ?? status} ${name}: ${message}`);
  }
}

// Runs all tests, prints a line for each, and returns the totals.
async function run_all(browser, files, ports, only) {
  const totals = { files: 0, clean: 0, subtests: 0, passed: 0, skipped: 0, known: 0 };
  for (const test of files.tests("websockets")) {
    if (only && !test.url.includes(only)) continue;
    const against = reason_against(test);
    if (against) {
      totals.skipped += 1;
      console.log(`not run  ${test.url}: ${against}`);
      continue;
    }
    const secure = /\.https\./.test(test.url);
    const base = secure ? `https://${kHost}:${ports.https}` : `http://${kHost}:${ports.http}`;
    const patience_ms = kPatienceMs * (is_long(test.source) ? 6 : 1);
    const results = await run_test(browser, base + test.url, patience_ms);
    const failed = results.filter(({ status }) => status !== 0);
    totals.files += 1;
    totals.clean += failed.length === 0 && results.length > 0 ? 1 : 0;
    totals.subtests += results.length;
    totals.passed += results.length - failed.length;
    totals.known += failed.length > 0 && reason_to_fail(test) ? 1 : 0;
    print(test, results, failed);
  }
  return totals;
}

async function main([chromium, binary, root, only]) {
  const identity = certificate();
  const { child, port } = await start_server(binary);
  const wss = tls.createServer(identity, relay(port)).on("tlsClientError", () => {});
  const ports = { ws: port, wss: await listening(wss) };
  const files = new Files(path.resolve(root), { host: kHost, alt: kAlt, ports });
  const answer = (request, response) => files.answer(request, response);
  const servers = [http.createServer(answer), https.createServer(identity, answer)];
  [ports.http, ports.https] = [await listening(servers[0]), await listening(servers[1])];
  const browser = await Browser.start(chromium, {
    flags: ["--ignore-certificate-errors", "--disable-popup-blocking",
      `--host-resolver-rules=MAP ${kHost} 127.0.0.1, MAP *.${kHost} 127.0.0.1, MAP ${kAlt} 127.0.0.1`],
  });
  try {
    const totals = await run_all(browser, files, ports, only);
    console.log(`${totals.clean} of ${totals.files} test files pass, ` +
      `${totals.passed} of ${totals.subtests} subtests; ${totals.known} files fail with every server, ` +
      `${totals.skipped} are not run`);
    process.exitCode = totals.clean + totals.known === totals.files && totals.files > 0 ? 0 : 1;
  } finally {
    await browser.stop();
    child.stdin.end();
    for (const each of [...servers, wss]) each.close();
    for (const each of servers) each.closeAllConnections();
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error) => {
    console.error(`wpt: ${error.message}`);
    process.exit(1);
  },
);

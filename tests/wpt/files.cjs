// Serves a work tree of web-platform-tests as wptserve does, as far as its WebSocket tests need it:
// substitutions, wrappers for .any.js, .window.js and .worker.js, and a few handlers.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

// Without a charset, because some tests declare their own.
const kTypes = {
  ".html": "text/html",
  ".htm": "text/html",
  ".js": "text/javascript",
};

// Reports the results to the runner, instead of wpt's own report.
const kReport = `
"use strict";
setup({ output: false });
add_completion_callback((tests, harness) => {
  globalThis.wpt_results = {
    harness: harness.status,
    message: harness.message,
    tests: tests.map(({ name, status, message }) => ({ name, status, message })),
  };
});
`;

// Returns the values of "// META: NAME=VALUE".
function meta_of(source, name) {
  const found = source.matchAll(/^\/\/\s*META:\s*(\w+)=(.*)$/gm);
  return [...found].filter(([, key]) => key === name).map(([, , value]) => value.trim());
}

// Replaces {{host}}, {{hosts[alt][]}}, {{ports[ws][0]}} and the like.
function substituted(text, { host, alt, ports }) {
  return text.replace(/\{\{([^}]*)\}\}/g, (whole, name) => {
    if (name === "host") return host;
    if (name === "hosts[alt][]") return alt;
    const port = /^ports\[(\w+)\]\[0\]$/.exec(name);
    if (port) return String(ports[port[1]] ?? 1);
    throw new Error(`${whole} has no value here`);
  });
}

const scripts = (sources) => sources.map((each) => `<script src="${each}"></script>`).join("\n");
const kHead = `<!doctype html><meta charset=utf-8>
${scripts(["/resources/testharness.js", "/resources/testharnessreport.js"])}
<div id=log></div>`;

// The page that runs `file`, a .any.js or .window.js, in a window.
const window_page = (file, source) => `${kHead}
<script>self.GLOBAL = { isWindow: () => true, isWorker: () => false };</script>
${scripts([...meta_of(source, "script"), file])}`;

// The page that runs a script in a worker.
const worker_page = (script) => `${kHead}
<script>fetch_tests_from_worker(new Worker(${JSON.stringify(script)}));</script>`;

const worker_script = (file, source) => `
self.GLOBAL = { isWindow: () => false, isWorker: () => true };
importScripts("/resources/testharness.js");
${meta_of(source, "script").map((each) => `importScripts(${JSON.stringify(each)});`).join("\n")}
importScripts(${JSON.stringify(file)});
done();`;

class Files {
  // `values` are those of substituted().
  constructor(root, values) {
    this.root = root;
    this.values = values;
  }

  source(file) {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  #generated(name) {
    const made = /^(.*)(\.any|\.window)(\.worker)?\.(html|js)$/.exec(name);
    const file = made && `${made[1]}${made[2]}.js`;
    if (file && file !== name && fs.existsSync(path.join(this.root, file))) {
      if (made[3] && made[4] === "js") return worker_script(file, this.source(file));
      if (made[4] !== "html") return null;
      return made[3] ? worker_page(name.replace(/html$/, "js")) : window_page(file, this.source(file));
    }
    const worker = name.replace(/\.html$/, ".js");
    return worker !== name && worker.endsWith(".worker.js") && fs.existsSync(path.join(this.root, worker))
      ? worker_page(worker)
      : null;
  }

  // Answers a request of node's http or https.
  answer(request, response) {
    const url = new URL(request.url, "http://host");
    const name = path.posix.normalize(decodeURIComponent(url.pathname));
    const send = (type, body) => response.writeHead(200, { "Content-Type": type }).end(body);
    if (name === "/resources/testharnessreport.js") return send(kTypes[".js"], kReport);
    if (name.endsWith("/support/set-cookie.py")) {
      response.setHeader("Set-Cookie", decodeURIComponent(url.search.slice(1)));
      return send("text/plain", "");
    }
    if (name.endsWith("/security/check.py")) {
      return send("text/plain", request.headers["sec-websocket-key"] ? "FAIL" : "PASS");
    }
    const type = kTypes[path.extname(name)] ?? "application/octet-stream";
    const generated = this.#generated(name);
    if (generated !== null) return send(type, generated);
    const file = path.join(this.root, name);
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) {
      return response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
    }
    const pipe = url.searchParams.get("pipe") ?? "";
    const plain = fs.readFileSync(file);
    const wants = /\.sub\./.test(name) || /\bsub\b/.test(pipe);
    const body = wants ? substituted(plain.toString("utf8"), this.values) : plain;
    const delay = /trickle\(d(\d+)\)/.exec(pipe);
    if (delay) return setTimeout(() => send(type, body), 1000 * Number(delay[1]));
    return send(type, body);
  }

  // Returns the paths with queries of all tests below `folder`, each with its source file.
  tests(folder) {
    const found = [];
    for (const entry of fs.readdirSync(path.join(this.root, folder), { recursive: true })) {
      const name = `/${folder}/${entry}`;
      if (/\/(support|resources)\//.test(name) || !/\.(html?|js)$/.test(name)) continue;
      const source = this.source(name);
      for (const url of urls_of(name, source)) found.push({ url, source });
    }
    return found.sort((a, b) => (a.url < b.url ? -1 : 1));
  }
}

// Returns the URLs that run a test: one for each scope and variant. Other files have none.
function urls_of(name, source) {
  if (/\.any\.js$/.test(name)) {
    const scopes = (meta_of(source, "global")[0] ?? "window,dedicatedworker").split(",");
    const urls = [];
    if (scopes.includes("window")) urls.push(name.replace(/js$/, "html"));
    if (scopes.some((each) => each === "worker" || each === "dedicatedworker")) {
      urls.push(name.replace(/js$/, "worker.html"));
    }
    const variants = meta_of(source, "variant");
    return urls.flatMap((url) => (variants.length ? variants : [""]).map((each) => url + each));
  }
  if (/\.(window|worker)\.js$/.test(name)) return [name.replace(/js$/, "html")];
  if (!/\.html?$/.test(name) || !source.includes("testharness.js")) return [];
  const variants = [...source.matchAll(/<meta name="?variant"? content="([^"]*)"/g)].map(([, each]) => each);
  return (variants.length ? variants : [""]).map((each) => name + each);
}

module.exports = { Files, meta_of, substituted, urls_of };

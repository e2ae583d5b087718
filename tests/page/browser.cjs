// A headless Chromium, controlled by its DevTools protocol over a pipe. It ends when the pipe
// closes.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { once } = require("node:events");

// The time limit of each expected event. It is not a measure of speed.
const kSanitized = Boolean(process.env.WSD_TEST_SANITIZED);
const kPatienceMs = (kSanitized ? 120000 : 60000) * Number(process.env.WSD_TEST_PATIENCE || 1);
const kLookEveryMs = 20;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until `look()` returns a true value, and returns it.
async function until(what, look, patience_ms = kPatienceMs) {
  const end = Date.now() + patience_ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await pause(kLookEveryMs);
  }
}

class Browser {
  #process;
  #profile;
  #contexts = [];
  #targets = []; // pages in the profile of the browser
  #partial = "";
  #next = 1;
  #answers = new Map();
  #listeners = new Map(); // session -> (method, params)

  static async start(binary, { env = {}, flags: more = [] } = {}) {
    const browser = new Browser();
    browser.#profile = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-page-"));
    const flags = [
      "--headless=new",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-extensions",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-background-timer-throttling",
      "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows",
      "--hide-scrollbars",
      "--lang=en-GB",
      "--no-proxy-server",
      "--disable-breakpad",
      "--remote-debugging-pipe",
      `--user-data-dir=${browser.#profile}`,
    ];
    // Chromium's sandbox does not start as root.
    if (process.getuid() === 0) flags.push("--no-sandbox");
    // Chromium reads commands from descriptor 3 and answers on 4. A NUL ends each message.
    const child = spawn(binary, [...flags, ...more, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: browser.#profile, LANGUAGE: "en_GB", ...env },
      detached: true,
    });
    browser.#process = child;
    child.on("error", (error) => browser.#fail(error));
    child.on("exit", () => browser.#fail(new Error(`${binary} has ended`)));
    child.stdio[3].on("error", () => {});  // the process has ended, which is reported above
    child.stdio[4].setEncoding("utf8").on("data", (text) => browser.#read(text));
    await browser.send("Browser.getVersion");
    return browser;
  }

  #read(text) {
    const pieces = (this.#partial + text).split("\0");
    this.#partial = pieces.pop();
    for (const piece of pieces) this.#take(JSON.parse(piece));
  }

  #fail(error) {
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
  }

  #take({ id, sessionId, method, params, result, error }) {
    if (id === undefined) {
      this.#listeners.get(sessionId)?.(method, params);
      return;
    }
    const { resolve, reject, command } = this.#answers.get(id) ?? {};
    if (!resolve) return;
    this.#answers.delete(id);
    if (error) reject(new Error(`${command}: ${error.message}`));
    else resolve(result);
  }

  send(command, params = {}, session = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject, command });
      this.#process.stdio[3].write(JSON.stringify({ id, method: command, params, sessionId: session }) + "\0");
    });
  }

  async close_pages() {
    for (const browserContextId of this.#contexts) {
      await this.send("Target.disposeBrowserContext", { browserContextId });
    }
    this.#contexts = [];
    for (const targetId of this.#targets) await this.send("Target.closeTarget", { targetId });
    this.#targets = [];
  }

  // Opens `url` in a page with its own profile, which blocks third-party cookies. With `shared`, the
  // page has the profile of the browser.
  async open(url, { width = 1200, height = 750, scale = 1, dark = false, touch = false, shared = false } = {}) {
    const { browserContextId } = shared ? {} : await this.send("Target.createBrowserContext");
    if (!shared) this.#contexts.push(browserContextId);
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
    if (shared) this.#targets.push(targetId);
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId);
    this.#listeners.set(sessionId, (method, params) => page.take(method, params));
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    await page.send("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: scale,
      mobile: touch,
    });
    await page.send("Emulation.setLocaleOverride", { locale: "en-GB" });
    await page.set_dark(dark);
    await page.send("Page.addScriptToEvaluateOnNewDocument", {
      source: `globalThis.violations = [];
        document.addEventListener("securitypolicyviolation", (e) =>
          violations.push(e.violatedDirective + " " + e.blockedURI));`,
    });
    await page.send("Page.navigate", { url });
    await page.until("the page is loaded", `document.readyState === "complete"`);
    return page;
  }

  async stop() {
    const ended = this.#process.exitCode === null ? once(this.#process, "exit") : null;
    this.send("Browser.close").catch(() => {});
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
    try {
      // helper processes that still run, in its process group
      process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // None is left.
    }
    await until("its profile can be removed", () => {
      try {
        fs.rmSync(this.#profile, { recursive: true, force: true });
        return true;
      } catch {
        return false;
      }
    });
  }
}

const kKeys = {
  Enter: { code: "Enter", windowsVirtualKeyCode: 13, text: "\r" },
  Escape: { code: "Escape", windowsVirtualKeyCode: 27 },
  Tab: { code: "Tab", windowsVirtualKeyCode: 9 },
};

class Page {
  errors = [];  // from the console, scripts and the browser

  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
  }

  send(command, params) {
    return this.browser.send(command, params, this.session);
  }

  take(method, params) {
    if (method === "Runtime.exceptionThrown") {
      this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    } else if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) {
      this.errors.push(params.args.map((each) => each.value ?? each.description).join(" "));
    } else if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) {
      this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    }
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  // Waits until the expression is true. It may throw while a page loads.
  async until(what, expression) {
    try {
      return await until(what, () => this.evaluate(expression).catch(() => false));
    } catch (error) {
      const text = await this.evaluate("document.body.innerText");
      throw new Error(`${error.message}; the page says:\n${text}`);
    }
  }

  async key(name, modifiers = 0) {
    const key = { key: name, modifiers, ...kKeys[name] };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  type(text) {
    return this.send("Input.insertText", { text });
  }

  set_dark(dark) {
    return this.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
        { name: "prefers-reduced-motion", value: "reduce" },
      ],
    });
  }

  async screenshot(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
  }
}

module.exports = { Browser, until, pause, kPatienceMs };

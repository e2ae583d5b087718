// A headless Firefox, controlled by its Marionette protocol over TCP: each message is "LENGTH:JSON",
// a command [0, id, name, parameters] and its answer [1, id, error, result].
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { once } = require("node:events");
const { until } = require("./browser.cjs");

// Firefox takes a free port and writes it into its profile. It contacts no other host.
const kPreferences = {
  "marionette.port": 0,
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.systemAddon.update.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.proxy.type": 0,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
};

class Firefox {
  #process;
  #profile;
  #socket;
  #received = Buffer.alloc(0);
  #next = 1;
  #answers = new Map();

  static async start(binary) {
    const firefox = new Firefox();
    const profile = (firefox.#profile = fs.mkdtempSync(path.join(os.tmpdir(), "wsd-firefox-")));
    const lines = Object.entries(kPreferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
    fs.writeFileSync(path.join(profile, "user.js"), lines.join(""));
    // Firefox as root wants a HOME that is root's.
    firefox.#process = spawn(binary, ["--headless", "--marionette", "--no-remote", "--profile", profile, "about:blank"], {
      stdio: "ignore",
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
      detached: true,
    });
    firefox.#process.on("error", (error) => firefox.#fail(error));
    firefox.#process.on("exit", () => firefox.#fail(new Error(`${binary} has ended`)));
    try {
      await firefox.#connect(path.join(profile, "MarionetteActivePort"));
    } catch (error) {
      await firefox.stop();
      throw error;
    }
    return firefox;
  }

  async #connect(port_file) {
    const port = await until("Firefox listens", () => {
      if (this.#process.exitCode !== null) throw new Error("Firefox has ended");
      return fs.existsSync(port_file) && Number(fs.readFileSync(port_file, "utf8"));
    });
    this.#socket = net.connect(port, "127.0.0.1");
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("data", (bytes) => this.#read(bytes));
    await this.send("WebDriver:NewSession");
  }

  #read(bytes) {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const colon = this.#received.indexOf(":");
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#received.subarray(0, colon));
      if (this.#received.length < end) return;
      this.#take(JSON.parse(this.#received.subarray(colon + 1, end)));
      this.#received = this.#received.subarray(end);
    }
  }

  // The first message is a greeting, which is no answer.
  #take(message) {
    const { resolve, reject, command } = (Array.isArray(message) && this.#answers.get(message[1])) || {};
    if (!resolve) return;
    const [, id, error, result] = message;
    this.#answers.delete(id);
    if (error) reject(new Error(`${command}: ${error.message}`));
    else resolve(result);
  }

  #fail(error) {
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
  }

  send(command, parameters = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject, command });
      const text = JSON.stringify([0, id, command, parameters]);
      this.#socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }

  // Opens `url` in a tab of its own.
  async open(url) {
    const { handle } = await this.send("WebDriver:NewWindow", { type: "tab" });
    const page = new FirefoxPage(this, handle);
    await page.send("WebDriver:Navigate", { url });
    return page;
  }

  async stop() {
    const ended = this.#process.exitCode === null ? once(this.#process, "exit") : null;
    if (this.#socket) this.send("Marionette:Quit", { flags: ["eForceQuit"] }).catch(() => {});
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
    this.#socket?.destroy();
    try {
      process.kill(-this.#process.pid, "SIGKILL"); // what still runs in its process group
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

class FirefoxPage {
  constructor(browser, handle) {
    this.browser = browser;
    this.handle = handle;
  }

  async send(command, parameters) {
    await this.browser.send("WebDriver:SwitchToWindow", { handle: this.handle, focus: true });
    return this.browser.send(command, parameters);
  }

  async evaluate(expression) {
    const { value } = await this.send("WebDriver:ExecuteScript", { script: `return (${expression});`, args: [] });
    return value;
  }

  async until(what, expression) {
    try {
      return await until(what, () => this.evaluate(expression).catch(() => false));
    } catch (error) {
      throw new Error(`${error.message}; the page says:\n${await this.evaluate("document.body.innerText")}`);
    }
  }

  // Types as a user does. `keys` may have the key codes of WebDriver, such as "\uE007" for Enter.
  async type(id, keys) {
    const found = await this.send("WebDriver:FindElement", { using: "css selector", value: `#${id}` });
    const element = Object.values(found.value)[0];
    await this.browser.send("WebDriver:ElementSendKeys", { id: element, text: keys });
  }

  async screenshot(file) {
    const { value } = await this.send("WebDriver:TakeScreenshot", { full: false });
    fs.writeFileSync(file, Buffer.from(value, "base64"));
  }
}

module.exports = { Firefox };

// Runs ./wsd as a process that can be killed and restarted on the same port. A relay between it and
// the browser can be cut.
"use strict";

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const net = require("node:net");
const path = require("node:path");
const { until } = require("./browser.cjs");

class Daemon {
  port = 0;
  #process = null;
  #said = "";

  constructor(binary, flags) {
    this.binary = binary;
    this.flags = flags;
  }

  // Uses a free port at first, and the same one from then on.
  async start() {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WSD_")));
    const flags = ["--listen", `127.0.0.1:${this.port}`, "--log-level", "error", ...this.flags];
    const child = spawn(this.binary, flags, { stdio: ["ignore", "ignore", "pipe"], env });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      this.#said += text;
    });
    this.#process = child;
    const port = await until("wsd listens", () => {
      if (child.exitCode !== null) throw new Error(`wsd ended: ${said}`);
      return /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    });
    this.port = Number(port);
  }

  async kill(signal = "SIGKILL") {
    if (this.#process === null || this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
    this.#process = null;
    if (/Sanitizer:|runtime error:|Assertion/.test(this.#said)) throw new Error(this.#said);
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }
}

class Relay {
  #open = new Map(); // the browser's side -> the daemon's
  #server;
  target = 0; // the port of new connections

  static async to(port) {
    const relay = new Relay();
    relay.target = port;
    relay.#server = net.createServer((near) => {
      const far = net.connect(relay.target, "127.0.0.1");
      relay.#open.set(near, far);
      for (const [one, other] of [[near, far], [far, near]]) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
        one.pipe(other);
      }
      near.on("close", () => relay.#open.delete(near));
    });
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    relay.port = relay.#server.address().port;
    return relay;
  }

  // Stores the data that the daemon sends on the current connections, until they are cut.
  hold() {
    for (const [near, far] of this.#open) far.unpipe(near).pause();
  }

  // Cuts all connections and accepts no new ones until restore().
  async cut() {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const [near, far] of this.#open) {
      near.destroy();
      far.destroy();
    }
    await closed;
  }

  async restore() {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }
}

// A redis-server on a Unix socket in `folder`, without a TCP port.
class Redis {
  #process = null;

  constructor(folder) {
    this.socket = path.join(folder, "redis.sock");
    this.folder = folder;
  }

  async start() {
    const flags = ["--port", "0", "--unixsocket", this.socket, "--dir", this.folder, "--save", ""];
    const child = spawn(process.env.REDIS_SERVER ?? "redis-server", flags, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => { said += text; });
    this.#process = child;
    await until("redis-server is ready", () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended: ${said}`);
      return /ready to accept connections/i.test(said);
    });
  }

  async kill() {
    if (this.#process === null || this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

module.exports = { Daemon, Redis, Relay };

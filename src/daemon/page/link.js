// One room over a WebSocket that comes back by itself: nothing lost, nothing doubled.
//
// What came is known by its place, EPOCH:SEQ, which the subprotocol ws+meta.nchan puts before each
// message: a link that comes back asks for all after the last place it has seen. What is written is
// known by an id of the writer's: it waits in the outbox until it has come back as a message of the
// room. The outbox is sent one message at a time, each after the one before has come back. When a
// connection ends, at most one message is therefore unconfirmed, and the link sends it again if the
// room has not shown it. Readers drop an id that they have seen.
//
// This file knows no document. A link reports to the `on` it was made with:
//   on.state(link)              link.state, link.reason, link.retry_at have changed
//   on.message(message)         {id, name, text, at, mine, took, late, first}: id is null where it
//                               has none; took: milliseconds there and back of our own; late: from
//                               before this connection; first: from before the first one
//   on.notice(kind, detail)     "missed": detail.count messages are gone; "anew": another server
//                               process numbers the room; "back": connected again after
//                               detail.away_ms, detail.count messages were caught up, all of them
//                               if detail.complete; detail.emptied: the room had no members meanwhile
//   on.failed(entry, reason)    an entry of the outbox will never be sent
//   on.facts(link)              link.members, link.history, link.round_trip_ms have changed

const kSubprotocol = "ws+meta.nchan";
const kGapType = "application/vnd.wsd.gap";
const kPositionType = "application/vnd.wsd.position";
const kFirstDelayMs = 300;
const kLongestDelayMs = 20000;
const kStableMs = 5000; // a connection that has held so long has ended the row of failures
const kAskPatienceMs = 8000;
const kCatchUpMs = 3000;
const kHistoryAsked = 50;
const kSettledMs = 10000; // after that long, what has come back to its writer has reached all others
const kUnseenMs = 10000; // our own message that is later than that was among the missing ones
const kLongestPaceMs = 10000;
// A server process numbers the epochs of its rooms upwards from a random number of 48 bits. An epoch
// a little above another one is from the same process, which forgot the room when it was empty.
const kEpochsOfOneProcess = 1000000;
const kSeenMax = 4096;
const kSentMax = 1000;
export const kNameMax = 64;
const kTextMax = 10000; // of a message from anyone: a page is not there to show a megabyte
const kPlainToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // what a subprotocol's name may hold

function parse_place(text) {
  const parts = /^(\d+):(\d+)$/.exec(text ?? "");
  return parts && { epoch: Number(parts[1]), seq: Number(parts[2]) };
}

// {place, gap, bare, text}: "id: EPOCH:SEQ\n[content-type: TYPE\n]\n" and the payload.
function parse_frame(data, with_meta) {
  const binary = typeof data !== "string";
  // One char a byte, so that lengths stay what they are.
  const whole = binary ? new TextDecoder("latin1").decode(data) : data;
  const end = with_meta ? whole.indexOf("\n\n") : -1;
  const payload = whole.slice(end < 0 ? 0 : end + 2);
  const text = binary ? `[${payload.length} bytes]` : payload;
  if (end < 0) return { place: null, gap: false, bare: false, text };
  const fields = new Map();
  for (const line of whole.slice(0, end).split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  return {
    place: parse_place(fields.get("id")),
    gap: fields.get("content-type") === kGapType,
    bare: fields.get("content-type") === kPositionType,
    text,
  };
}

// What is no object of ours is a text of someone without a name: rooms are open to any program.
function parse_message(text) {
  try {
    const m = JSON.parse(text);
    if (m !== null && typeof m === "object" && typeof m.text === "string") {
      return {
        id: typeof m.id === "string" && m.id.length <= 64 ? m.id : null,
        name: typeof m.name === "string" ? shortened(m.name.trim(), kNameMax) : "",
        text: shortened(m.text, kTextMax),
        at: Number.isFinite(m.at) ? m.at : Date.now(),
      };
    }
  } catch {
    // not JSON
  }
  return { id: null, name: "", text: shortened(text, kTextMax), at: Date.now() };
}

// An ellipsis marks what was cut. A surrogate pair stays whole or goes.
function shortened(text, most) {
  if (text.length <= most) return text;
  const end = /[\uD800-\uDBFF]/.test(text[most - 1]) ? most - 1 : most;
  return `${text.slice(0, end)} …`;
}

export class RoomLink {
  state = "idle"; // connecting, connected, waiting, token, refused, left
  reason = "";
  retry_at = 0; // performance.now(), in state "waiting"
  attempts = 0; // in a row without success
  members = null;
  all_counted = true;
  history = null; // how many messages the server keeps; null: not known
  round_trip_ms = null;
  place = null; // of the last message seen
  outbox = []; // {id, name, text, at, sent_at, again}: not come back yet, in the order of sending

  #on;
  #token = "";
  #socket = null;
  #generation = 0; // what belongs to an earlier one is over
  #timer = 0;
  #opened_at = 0;
  #lost_at = 0; // 0: never
  #asked_epoch = 0; // of the place that this connection goes on from
  #target = null; // where the room was when we asked, before connecting
  #fresh = true; // nothing of the room has been seen
  #caught_up = false;
  #missed = 0; // messages since the connection opened that belong to the time before
  #complete = true; // these are all of that time
  #emptied = false; // the room was forgotten in that time
  #in_flight = null; // the entry of the outbox that was sent on this connection
  #sent = []; // when messages were sent on this connection
  #pace_ms = 0; // at least that long between two messages; more after each close for the rate
  #pace_timer = 0;
  #seen = new Set();
  #settling = []; // our own that came back a short while ago
  #asks_failed = 0;

  // `base`: the URL that the server's paths are relative to.
  constructor(base, room, on) {
    this.room = room;
    this.#on = on;
    this.url = new URL(`rooms/${encodeURIComponent(room)}`, base);
    this.members_url = `${this.url.href}/members`;
  }

  get writable() {
    return this.state === "connected" && this.#caught_up;
  }

  join() {
    this.reason = "";
    this.attempts = 0;
    this.#connect();
  }

  // Does at once what the time of waiting would have put off.
  retry_now() {
    if (this.state !== "waiting") return;
    this.attempts = 0;
    this.#connect();
  }

  // Returns what is wrong with it, or "".
  use_token(token) {
    if (token !== "" && !kPlainToken.test(token)) {
      return "This token contains characters that a browser cannot send in a WebSocket handshake.";
    }
    this.#token = token;
    if (this.state === "token" || this.state === "refused") this.join();
    return "";
  }

  leave() {
    this.#abandon(1000);
    this.#become("left", "");
  }

  send(name, text) {
    const entry = { id: crypto_id(), name, text, at: Date.now(), sent_at: 0, again: false };
    this.outbox.push(entry);
    this.#send_next();
    return entry;
  }

  // Asks how the room is. A round trip that nobody in the room notices: it goes the way of the
  // WebSocket, through the same proxies to the same server and the room's home, and back.
  async ask() {
    const generation = this.#generation;
    const answer = await this.#ask();
    if (generation !== this.#generation || this.state !== "connected") return;
    this.#asks_failed = answer.status === 0 ? this.#asks_failed + 1 : 0;
    // A network that is gone tells a browser's WebSocket nothing for minutes.
    if (this.#asks_failed >= 2) this.#lose("no response from the server");
  }

  async #ask() {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const begun = performance.now();
    try {
      const response = await fetch(this.members_url, {
        headers,
        cache: "no-store",
        signal: AbortSignal.timeout(kAskPatienceMs),
      });
      const text = await response.text();
      if (response.status !== 200) return { status: response.status, text };
      const room = JSON.parse(text);
      this.members = room.members;
      this.all_counted = room.complete !== false; // else some nodes have not told their members
      this.history = room.history;
      this.round_trip_ms = this.#measured(performance.now() - begun);
      this.#on.facts(this);
      return { status: 200, text, place: { epoch: room.epoch, seq: room.seq } };
    } catch (error) {
      // An answer that is not JSON is no answer of this server.
      return { status: error instanceof SyntaxError ? 404 : 0, text: "" };
    }
  }

  // From the request's last byte to the answer's first: without the time of opening a connection,
  // and of this page's own work.
  #measured(whole_ms) {
    const timing = performance.getEntriesByName(this.members_url).at(-1);
    performance.clearResourceTimings();
    const between = timing ? timing.responseStart - timing.requestStart : 0;
    return between > 0 ? between : whole_ms;
  }

  async #connect() {
    this.#abandon(1000);
    const generation = ++this.#generation;
    this.#become("connecting", this.reason);
    const answer = await this.#ask();
    if (generation !== this.#generation) return;
    if (answer.status === 0) return this.#retry("the server cannot be reached");
    if (answer.status === 401) return this.#become("token", answer.text.trim());
    if (answer.status === 400 || answer.status === 403) {
      return this.#become("refused", answer.text.trim());
    }
    if (answer.status === 429 || answer.status >= 500) return this.#retry("the server is busy");
    // 404 and the like: something before the server hides this path. The WebSocket may pass.
    this.#target = answer.place ?? null;
    this.#open();
  }

  #since() {
    if (!this.place && this.#target) {
      this.place = {
        epoch: this.#target.epoch,
        seq: Math.max(0, this.#target.seq - kHistoryAsked),
      };
    }
    this.#asked_epoch = this.place?.epoch ?? 0;
    if (!this.place) return `last=${kHistoryAsked}`;
    return `last_event_id=${this.place.epoch}:${this.place.seq}`;
  }

  #open() {
    const url = new URL(this.url);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.search = this.#since();
    const offered = this.#token ? ["bearer", this.#token, kSubprotocol] : [kSubprotocol];
    const socket = (this.#socket = new WebSocket(url, offered));
    let opened = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      opened = true;
      this.#opened();
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#take(parse_frame(data, socket.protocol === kSubprotocol));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket) return;
      if (opened) this.#closed(code, reason);
      else this.#lose("the server or a proxy rejected the handshake");
    };
  }

  #opened() {
    this.#opened_at = performance.now();
    this.#asks_failed = 0;
    this.#missed = 0;
    this.#complete = true;
    this.#emptied = false;
    this.#in_flight = null;
    this.#sent = [];
    this.#caught_up = false;
    this.members = null; // what was told before does not count us
    const generation = this.#generation;
    // Were the place never to come, what waits is sent all the same.
    setTimeout(() => {
      if (generation === this.#generation) this.#catch_up(true);
    }, kCatchUpMs);
    this.#become("connected", "");
    this.#catch_up(this.#target === null);
  }

  // What came back from our own before the loss must be known before anything is sent again: else
  // other programs in the room would get it twice.
  #catch_up(at_once) {
    if (this.#caught_up || this.state !== "connected") return;
    if (!at_once && !this.#is_at_target()) return;
    this.#caught_up = true;
    this.#fresh = false;
    if (this.#lost_at !== 0) {
      const away_ms = performance.now() - this.#lost_at;
      this.#on.notice("back", {
        count: this.#missed,
        away_ms,
        complete: this.#complete,
        emptied: this.#emptied,
      });
    }
    this.#lost_at = 0;
    this.#send_next();
    this.#on.state(this);
    this.ask();
  }

  #is_at_target() {
    if (this.#target === null || this.place === null) return false;
    // The room was not there when we asked: its new life has been told of, or is about to be.
    if (this.#target.epoch === 0) return this.place.epoch !== this.#asked_epoch;
    return this.place.epoch === this.#target.epoch && this.place.seq >= this.#target.seq;
  }

  #send_next() {
    if (!this.writable || this.#in_flight !== null || this.outbox.length === 0) return;
    const now = performance.now();
    const wait = this.#sent.length === 0 ? 0 : this.#sent.at(-1) + this.#pace_ms - now;
    clearTimeout(this.#pace_timer);
    if (wait > 0) {
      this.#pace_timer = setTimeout(() => this.#send_next(), wait);
      return;
    }
    const entry = (this.#in_flight = this.outbox[0]);
    entry.sent_at = now;
    this.#sent.push(now);
    if (this.#sent.length > kSentMax) this.#sent.shift();
    const { id, name, text, at } = entry;
    this.#socket.send(JSON.stringify({ id, name, text, at }));
  }

  #take_from_outbox(entry) {
    this.outbox = this.outbox.filter((each) => each !== entry);
    if (this.#in_flight === entry) this.#in_flight = null;
  }

  #take(frame) {
    if (frame.gap) return this.#take_gap(frame.place);
    // A position without a message: nothing is missing up to there.
    if (frame.bare) {
      this.place = frame.place;
      return this.#catch_up(true);
    }
    if (frame.place) {
      if (this.place && frame.place.epoch === this.place.epoch) {
        if (frame.place.seq <= this.place.seq) return;
        const skipped = frame.place.seq - this.place.seq - 1;
        if (skipped > 0) this.#miss(skipped);
      }
      this.place = frame.place;
    }
    this.#deliver(parse_message(frame.text));
    this.#catch_up(false);
  }

  // The place that the server tells is where it can go on from.
  #take_gap(place) {
    const before = this.place;
    this.place = place;
    if (!this.#fresh && before !== null && place !== null && before.epoch !== 0) {
      const ahead = place.epoch - before.epoch;
      if (ahead === 0 && place.seq >= before.seq) {
        this.#miss(place.seq - before.seq);
      } else if (ahead > 0 && ahead < kEpochsOfOneProcess) {
        this.#emptied = true;
        this.#miss(place.seq);
      } else {
        this.#complete = false;
        this.#on.notice("anew", {});
        this.#repeat_unsettled();
      }
    }
    this.#catch_up(false);
  }

  #miss(count) {
    if (count === 0) return;
    this.#complete = false;
    this.#on.notice("missed", { count });
    // The server has dropped messages that this page reads too slowly, perhaps our own among them.
    // Our own is in the room then, because the connection goes on.
    const entry = this.#in_flight;
    const generation = this.#generation;
    if (entry === null) return;
    setTimeout(() => {
      if (generation !== this.#generation || this.#in_flight !== entry) return;
      this.#take_from_outbox(entry);
      this.#on.message({ ...entry, mine: true, took: null, late: false, first: false });
      this.#send_next();
    }, kUnseenMs);
  }

  // The server that has restarted may have sent us what it had not sent to others yet.
  #repeat_unsettled() {
    const repeated = this.#settling.map((entry) => ({ ...entry, again: true }));
    this.outbox = [...repeated, ...this.outbox.filter((entry) => !entry.again)];
    this.#send_next();
  }

  #deliver(message) {
    const entry = this.outbox.find((each) => each.id === message.id) ?? null;
    if (entry) this.#take_from_outbox(entry);
    this.#send_next(); // before the page shows this one, which takes longer
    if (message.id === null || !this.#seen.has(message.id)) this.#show(message, entry);
  }

  #show(message, entry) {
    if (message.id !== null) this.#seen.add(message.id);
    if (this.#seen.size > kSeenMax) this.#seen.delete(this.#seen.values().next().value);
    const now = performance.now();
    if (entry) {
      this.#settling = this.#settling.filter((each) => now - each.back_at < kSettledMs);
      this.#settling.push({ ...entry, back_at: now });
    }
    const late = !this.#caught_up;
    if (late) this.#missed += 1;
    const took = entry ? now - entry.sent_at : null;
    this.#on.message({ ...message, mine: entry !== null, took, late, first: this.#fresh });
  }

  #closed(code, reason) {
    const entry = this.#in_flight;
    if (code === 1008 && reason.startsWith("this user may not write")) {
      for (const each of this.outbox.splice(0)) this.#on.failed(each, "you may only read in this room");
    } else if (code === 1008 && /^too many (messages|bytes) per second/.test(reason)) {
      this.#slow_down();
      // A new connection may send one second's worth at once. What exceeds that alone never passes.
      if (entry && this.#sent.length === 1) this.#fail(entry, "it exceeds the server's limit per second");
    } else if (entry && (code === 1009 || code === 1007)) {
      this.#fail(entry, "the server did not accept it");
    }
    if (code === 1001) this.#lose("the server is shutting down");
    else this.#lose(reason || (code === 1006 ? "the connection was lost" : `closed with code ${code}`));
  }

  #fail(entry, reason) {
    this.#take_from_outbox(entry);
    this.#on.failed(entry, reason);
  }

  // The server allows one second's worth at once. So at most twice its limit was accepted in the
  // last second, and half of that rate is safe.
  #slow_down() {
    const now = performance.now();
    const accepted = this.#sent.filter((at) => now - at < 1000).length - 1; // the last one was not
    const pace_ms = Math.max(2000 / Math.max(1, accepted), 2 * this.#pace_ms);
    this.#pace_ms = Math.min(kLongestPaceMs, pace_ms);
  }

  #lose(reason) {
    const now = performance.now();
    if (this.state === "connected") {
      this.#lost_at ||= now;
      this.#settling = this.#settling.filter((each) => now - each.back_at < kSettledMs);
      if (now - this.#opened_at > kStableMs) this.attempts = 0;
    }
    this.#retry(reason);
  }

  // Twice as long each time, and half of it by chance, so that many pages do not come back at once.
  #retry(reason) {
    this.#abandon(1000);
    const generation = ++this.#generation;
    const whole = Math.min(kLongestDelayMs, kFirstDelayMs * 2 ** this.attempts);
    const delay = whole * (0.5 + Math.random() / 2);
    this.attempts += 1;
    this.retry_at = performance.now() + delay;
    this.#timer = setTimeout(() => {
      if (generation === this.#generation) this.#connect();
    }, delay);
    this.#become("waiting", reason);
  }

  #abandon(code) {
    this.#generation += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#pace_timer);
    this.#in_flight = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.close(code);
  }

  #become(state, reason) {
    this.state = state;
    this.reason = reason;
    if (state !== "connected") this.members = null;
    this.#on.state(this);
  }
}

// crypto.randomUUID is there in secure contexts alone, which plain HTTP over a network is not.
function crypto_id() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

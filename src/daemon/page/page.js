// What is on the page. What others write is put in as text alone, never as markup.
import { RoomLink, kNameMax } from "./link.js";
import { Chart, Rate } from "./chart.js";

const kLinesMax = 500;
const kAskEveryMs = 4000;
const kTints = 8;
const kSameAuthorMs = 180000; // later lines of one author say again who it is
const kDefaultRoom = "lobby";
const kRoomBytesMax = 128;
const kTextMax = 4000;

const kHasKeyboard = !matchMedia("(pointer: coarse)").matches; // elsewhere the focus makes one pop up

const $ = (id) => document.getElementById(id);
const rooms = new Map(); // name -> View
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const chart = new Chart({
  svg: $("chart"),
  line: $("line"),
  area: $("area"),
  now: $("now"),
  top: $("top"),
});
const rate = new Rate(); // of all rooms
const graphemes = "Segmenter" in Intl ? new Intl.Segmenter() : null;
let current = null;
let token = "";

function element(tag, class_name, text) {
  const made = document.createElement(tag);
  if (class_name) made.className = class_name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

function first_letter(name) {
  const first = graphemes ? graphemes.segment(name)[Symbol.iterator]().next().value.segment : [...name][0];
  return first.toUpperCase();
}

function sentence(words) {
  return words === "" ? "" : `${words.slice(0, 1).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;
}

function tint_of(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) >>> 0;
  return sum % kTints;
}

// A room on the page: its link, its log, its row in the list.
class View {
  unread = 0;
  asks_for_token = false; // also while a token that was given is checked
  #lines = new Map(); // id of our own that has not come back -> line
  #follows = true; // what is shown is to stay the end of the log
  #top = 0; // the log's scrollTop at the last look
  #frame = 0; // of the browser, in which the log will be scrolled; 0: none is wanted

  constructor(room) {
    this.room = room;
    this.log = element("div", "log");
    this.log.setAttribute("role", "log");
    this.log.setAttribute("aria-label", `Messages in ${room}`);
    this.log.tabIndex = 0;
    this.log.addEventListener("scroll", () => this.#scrolled());
    // A banner that appears, or a keyboard, would hide the last line.
    new ResizeObserver(() => this.#follows && this.scroll_to_end()).observe(this.log);
    this.row = element("li");
    this.button = element("button", "room");
    this.button.type = "button";
    this.dot = element("span", "dot");
    this.dot.setAttribute("aria-hidden", "true");
    this.badge = element("span", "badge");
    this.people = element("span", "people quiet");
    this.button.title = room;
    this.button.append(this.dot, element("span", "room-name", room), this.badge, this.people);
    this.button.addEventListener("click", () => choose(this));
    this.row.append(this.button);
    this.link = new RoomLink(document.baseURI, room, {
      state: () => this.#show_state(),
      facts: () => this.#show_people(),
      message: (message) => this.#message(message),
      failed: (entry, reason) => this.#failed(entry, reason),
      notice: (kind, detail) => this.#notice(kind, detail),
    });
  }

  say(name, text) {
    const entry = this.link.send(name, text);
    const line = this.#line({ ...entry, mine: true });
    line.classList.add("pending");
    this.#lines.set(entry.id, line);
    this.#append(line, true);
    this.#show_waiting();
    show_facts();
  }

  at_end() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
  }

  // A banner may have taken the end out of view before the event of an earlier scrolling comes. So
  // only scrolling up ends the following.
  #scrolled() {
    if (this.at_end()) this.#follows = true;
    else if (this.log.scrollTop < this.#top) this.#follows = false;
    this.#top = this.log.scrollTop;
    if (this === current) show_latest();
  }

  is_empty() {
    return this.log.childElementCount === 0;
  }

  scroll_to_end() {
    this.#follows = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.#top = this.log.scrollTop;
  }

  #message(message) {
    const waiting = this.#lines.get(message.id);
    this.#lines.delete(message.id);
    if (waiting) {
      waiting.remove();
      this.#show_waiting();
    }
    const line = this.#line(message);
    if (message.took !== null) line.title = `Round trip ${milliseconds(message.took)}`;
    if (!message.late) rate.add();
    this.#append(line, waiting !== undefined);
    if ((this !== current || document.hidden) && !message.first) {
      this.unread += 1;
      this.#show_badge();
    }
    if (this === current) show_facts();
  }

  // The order is the room's: what has not come back stays below what has.
  #append(line, to_end) {
    if (to_end) this.#follows = true;
    const pending = line.classList.contains("pending") ? null : this.log.querySelector(".pending");
    this.log.insertBefore(line, pending);
    for (const each of [line, pending]) if (each) this.#join_to_the_one_before(each);
    while (this.log.childElementCount > kLinesMax) {
      this.log.firstElementChild.remove();
      this.#join_to_the_one_before(this.log.firstElementChild);
    }
    // Once for all messages of a frame, because the browser computes the layout for it.
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#follows) this.scroll_to_end();
      if (this === current) show_latest();
    });
  }

  #join_to_the_one_before(line) {
    const before = line.previousElementSibling;
    const follows =
      before !== null &&
      before.dataset.author === line.dataset.author &&
      line.dataset.author !== undefined &&
      Math.abs(Number(line.dataset.at) - Number(before.dataset.at)) < kSameAuthorMs;
    line.classList.toggle("follows", follows);
  }

  #line({ id, name, text, at, mine }) {
    const line = element("div", mine ? "message mine" : "message");
    const shown = name || "Unnamed";
    const date = new Date(at);
    const time = element("time", "", Number.isNaN(date.getTime()) ? "" : clock.format(date));
    const avatar = element("span", `avatar tint-${tint_of(shown)}`, first_letter(shown));
    avatar.setAttribute("aria-hidden", "true");
    const meta = element("p", "meta");
    meta.append(element("span", "who", shown), " ", time, " ", element("span", "status"));
    const body = element("div", "body");
    body.append(meta, element("p", "text", text));
    line.append(avatar, body);
    line.dataset.id = id ?? "";
    line.dataset.at = String(at);
    line.dataset.author = `${mine}:${shown}`;
    return line;
  }

  #failed(entry, reason) {
    const line = this.#lines.get(entry.id);
    this.#lines.delete(entry.id);
    if (!line) return;
    line.classList.replace("pending", "failed");
    line.querySelector(".status").textContent = `not sent: ${reason}`;
  }

  #notice(kind, detail) {
    const words = {
      missed: ({ count }) => `${counted(count, "message is", "messages are")} missing here.`,
      anew: () =>
        "The room has restarted its numbering, for example after a restart of the server. Messages that were sent while you were away may be missing here.",
      back: back_words,
    };
    const line = element("div", kind === "back" ? "notice" : "notice gap", words[kind](detail));
    line.dataset.notice = kind;
    this.#append(line, false);
  }

  #show_state() {
    const { state } = this.link;
    this.dot.dataset.state = state;
    if (state !== "connecting") this.asks_for_token = state === "token";
    this.#show_waiting();
    // What comes at once is not to be read out at once.
    const busy = state === "connected" && !this.link.writable;
    this.log.setAttribute("aria-busy", String(busy));
    this.#show_people();
    if (this === current) show_current();
  }

  // The outbox is sent one message at a time.
  #show_waiting() {
    const next = this.link.writable ? this.link.outbox[0]?.id : null;
    for (const [id, line] of this.#lines) {
      const status = line.querySelector(".status");
      const words = id === next ? "sending" : "waiting";
      if (status.textContent !== words) status.textContent = words;
    }
  }

  #show_people() {
    const known = this.link.state === "connected" && this.link.members !== null;
    this.people.textContent = known ? String(this.link.members) : "";
    this.#show_badge();
    if (this === current) show_facts();
  }

  #show_badge() {
    this.badge.textContent = this.unread > 99 ? "99+" : this.unread === 0 ? "" : String(this.unread);
    const words = [this.room, state_words(this.link)];
    if (this.people.textContent !== "") words.push(`${this.people.textContent} here`);
    if (this.unread > 0) words.push(`${this.unread} unread`);
    this.button.setAttribute("aria-label", words.join(", "));
    show_title();
  }

  seen() {
    this.unread = 0;
    this.#show_badge();
  }
}

function back_words({ count, away_ms, complete, emptied }) {
  const words = [`Reconnected after ${seconds(away_ms)}.`];
  if (emptied) words.push("The room was empty for a while.");
  if (count > 0) words.push(`Received ${counted(count, "message", "messages")} sent meanwhile.`);
  if (count === 0 && complete && !emptied) words.push("No messages were sent meanwhile.");
  return words.join(" ");
}

function milliseconds(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function seconds(ms) {
  return ms < 9500 ? `${(ms / 1000).toFixed(1)} s` : counted(Math.round(ms / 1000), "second", "seconds");
}

function state_words(link) {
  const words = {
    idle: "not connected",
    connecting: link.reason === "" ? "connecting" : "reconnecting",
    connected: "connected",
    waiting: "reconnecting",
    token: "token required",
    refused: "rejected",
    left: "left",
  };
  return words[link.state];
}

function show_title() {
  let unread = 0;
  for (const view of rooms.values()) unread += view.unread;
  const name = current ? `#${current.room} · wsd` : "wsd";
  document.title = unread > 0 ? `(${unread}) ${name}` : name;
  $("menu-badge").textContent = unread > 99 ? "99+" : unread > 0 ? String(unread) : "";
  $("menu").setAttribute("aria-label", unread > 0 ? `Rooms and name, ${unread} unread` : "Rooms and name");
}

// In a narrow window the rooms, the name and the figures are behind a button.
function open_menu(open) {
  document.body.classList.toggle("menu-open", open);
  $("menu").setAttribute("aria-expanded", String(open));
}

function empty_words() {
  if (current === null) return "Join a room to begin.";
  const { link } = current;
  if (!current.is_empty()) return "";
  if (link.state === "token") return "A token is required to see this room.";
  if (link.state !== "connected") return `${sentence(state_words(link)).slice(0, -1)} …`;
  const none = link.history === 0 ? "No messages since you joined." : "No messages yet.";
  if (!link.writable || link.members === null) return none;
  if (link.members > 1) return `${none} Write the first one.`;
  return `${none} You are alone here: open this page in a second window to chat with yourself.`;
}

function show_latest() {
  $("latest").hidden = current === null || current.at_end();
}

function show_facts() {
  const link = current?.link;
  $("trip").textContent = link?.round_trip_ms == null ? "–" : milliseconds(link.round_trip_ms);
  const known = link?.state === "connected" && link.members !== null;
  $("members").textContent = known ? `${link.members}${link.all_counted ? "" : "+"} here` : "";
  $("place").textContent = link?.place?.epoch ? `no. ${link.place.seq}` : "–";
  $("place").title = link?.place?.epoch ? `Position ${link.place.epoch}:${link.place.seq}` : "";
  $("waiting").textContent = String(link?.outbox.length ?? 0);
  const kept = link?.history ?? null;
  $("history").textContent = kept === null ? "–" : kept === 0 ? "none" : `last ${kept}`;
  $("history-note").hidden = kept !== 0;
  $("empty").textContent = empty_words();
}

function show_current() {
  const focused = document.activeElement;
  const link = current?.link ?? null;
  const state = link?.state ?? "idle";
  const words = link ? state_words(link) : "";
  $("title").textContent = $("title").title = current ? current.room : "No room";
  $("leave").hidden = current === null;
  $("text").disabled = $("send").disabled = current === null || state === "refused";
  if ($("state").dataset.state !== state || $("state").textContent.toLowerCase() !== words) {
    $("state").dataset.state = state;
    $("state").textContent = words.slice(0, 1).toUpperCase() + words.slice(1);
  }
  show_admit(focused);
  show_banner(link);
  show_facts();
  show_latest();
  keep_focus(focused);
}

// The form stays while the server checks a token, so that the focus stays in it.
function show_admit(focused) {
  const was_hidden = $("admit").hidden;
  $("admit").hidden = !current?.asks_for_token;
  if ($("admit").hidden) {
    $("token").value = "";
    return;
  }
  const checked = current.link.state === "token";
  $("admit-text").textContent = checked ? sentence(current.link.reason) : "Checking the token …";
  if (!checked) return;
  const idle = focused === document.body || (focused === $("text") && focused.value === "");
  if (was_hidden ? idle && kHasKeyboard : $("admit").contains(focused)) {
    $("token").focus();
    $("token").select();
  }
}

// To hide or disable what has the focus moves the focus to the top of the page.
function keep_focus(focused) {
  if (focused === document.body || (!focused.disabled && focused.getClientRects().length > 0)) return;
  ($("text").disabled ? $("room") : $("text")).focus();
}

function show_banner(link) {
  const waiting = link?.state === "waiting";
  const away = waiting || (link?.state === "connecting" && link.reason !== "" && !current.asks_for_token);
  $("banner").hidden = !away && link?.state !== "refused";
  $("retry").hidden = !away;
  if (away) {
    const left = Math.max(1, Math.ceil((link.retry_at - performance.now()) / 1000));
    const next = waiting ? `Next attempt in ${left} s.` : "Connecting …";
    $("banner-text").textContent =
      `Not connected: ${link.reason}. ${next} Messages that you write now are sent then.`;
  } else if (link?.state === "refused") {
    $("banner-text").textContent = `You cannot join this room: ${link.reason}`;
  }
}

function choose(view) {
  if (current) current.log.hidden = true;
  for (const each of rooms.values()) each.button.removeAttribute("aria-current");
  current = view;
  if (view) {
    view.button.setAttribute("aria-current", "true");
    view.log.hidden = false;
    view.seen();
    view.scroll_to_end();
  }
  open_menu(view === null);
  show_current();
  show_title();
}

function enter(room) {
  let view = rooms.get(room);
  if (!view) {
    view = new View(room);
    rooms.set(room, view);
    $("rooms").append(view.row);
    $("logs").append(view.log);
    if (token) view.link.use_token(token);
    view.link.join();
  }
  choose(view);
  remember();
}

function leave(view) {
  if (view.link.outbox.length > 0 && !confirm(`Leave ${view.room}? Some messages have not been sent.`)) return;
  view.link.leave();
  view.row.remove();
  view.log.remove();
  rooms.delete(view.room);
  choose([...rooms.values()].at(-1) ?? null);
  (current ? $("text") : $("room")).focus();
  remember();
}

// The rooms are in the page's address, which can be kept or passed on.
function remember() {
  const names = [...rooms.keys()].map(encodeURIComponent);
  history.replaceState(null, "", `#${names.join(",")}`);
}

function remembered() {
  try {
    return location.hash.slice(1).split(",").filter(Boolean).map(decodeURIComponent);
  } catch {
    return []; // not percent-encoded text
  }
}

function stored_name() {
  const made = `Guest ${Math.floor(1000 + Math.random() * 9000)}`;
  try {
    return localStorage.getItem("wsd-name") || made;
  } catch {
    return made; // storage is off
  }
}

function store_name(name) {
  try {
    localStorage.setItem("wsd-name", name);
  } catch {
    // storage is off
  }
}

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = $("room").value.trim();
  const bytes = new TextEncoder().encode(room).length;
  $("room").setCustomValidity(
    bytes > kRoomBytesMax ? `This name has ${bytes} bytes. A room's name has at most ${kRoomBytesMax}.` : "",
  );
  if (room === "" || !$("room").reportValidity()) return;
  $("room").value = "";
  enter(room);
});
$("room").addEventListener("input", () => $("room").setCustomValidity(""));

$("name").addEventListener("input", () => {
  const { length } = $("name").value.trim();
  $("name").setCustomValidity(
    length > kNameMax ? `This name has ${length} characters. At most ${kNameMax} are sent.` : "",
  );
});
$("name").addEventListener("change", () => {
  if ($("name").reportValidity()) store_name($("name").value.trim());
});

// A field that cuts a text at its limit would do so in silence.
function show_limit() {
  const { length } = $("text").value.trim();
  const over = length - kTextMax;
  $("limit").textContent =
    over > 0
      ? `This message has ${length} characters, and at most ${kTextMax} are sent at once. Shorten it by ${over}.`
      : "";
  $("text").setAttribute("aria-invalid", String(over > 0));
  return over <= 0;
}

function say() {
  const text = $("text").value.trim();
  if (text === "" || current === null || !show_limit()) return;
  if (!$("name").validity.valid) {
    open_menu(true);
    $("name").reportValidity();
    return;
  }
  current.say($("name").value.trim() || "Unnamed", text);
  $("text").value = "";
}
$("text").addEventListener("input", show_limit);
$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  $("text").focus();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});

$("leave").addEventListener("click", () => leave(current));
$("latest").addEventListener("click", () => {
  current.scroll_to_end();
  $("text").focus();
});
$("retry").addEventListener("click", () => current.link.retry_now());

$("admit").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = $("token").value.trim();
  for (const view of rooms.values()) {
    const wrong = view.link.use_token(given);
    if (wrong) {
      $("admit-text").textContent = wrong;
      return;
    }
  }
  token = given;
});

$("menu").addEventListener("click", () => {
  open_menu(!document.body.classList.contains("menu-open"));
  if (document.body.classList.contains("menu-open")) (current?.button ?? $("room")).focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !document.body.classList.contains("menu-open")) return;
  open_menu(false);
  if ($("menu").getClientRects().length > 0) $("menu").focus();
});

// The room that is looked at each time, and of the others one in turn.
let turn = 0;
setInterval(() => {
  if (document.hidden) return;
  const others = [...rooms.values()].filter((view) => view !== current);
  if (current?.link.state === "connected") current.link.ask();
  if (others.length > 0) {
    const other = others[turn++ % others.length];
    if (other.link.state === "connected") other.link.ask();
  }
}, kAskEveryMs);

setInterval(() => {
  if (document.hidden) return;
  chart.draw(rate.counts());
  show_banner(current?.link);
}, 1000);

window.addEventListener("online", () => {
  for (const view of rooms.values()) view.link.retry_now();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  current?.seen();
  for (const view of rooms.values()) view.link.retry_now();
});
window.addEventListener("beforeunload", (event) => {
  for (const view of rooms.values()) if (view.link.outbox.length > 0) event.preventDefault();
});

chart.draw(rate.counts());
$("name").value = stored_name();
for (const room of remembered().length > 0 ? remembered() : [kDefaultRoom]) enter(room);
choose(rooms.values().next().value);
if (kHasKeyboard) $("text").focus();

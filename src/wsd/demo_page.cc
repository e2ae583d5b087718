#include "demo_page.h"

#include <string>
#include <string_view>
#include <utility>

namespace wsd::daemon {
namespace {

// img-src is there for the empty icon alone, without which browsers ask for /favicon.ico.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>wsd</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="demo.css">
<script src="demo.js" defer></script>
</head>
<body>
<main>
<h1>wsd</h1>
<p>Open this page twice, join the same room, and write.</p>
<form id="join">
<label for="room">Room</label>
<input id="room" name="room" value="lobby" required maxlength="128" autocomplete="off">
<button id="toggle">Join</button>
</form>
<p id="state" role="status">Not connected.</p>
<ol id="log" role="log" aria-label="Messages" tabindex="0"></ol>
<form id="say">
<label for="text">Message</label>
<input id="text" name="text" required autocomplete="off" disabled>
<button id="send" disabled>Send</button>
</form>
<noscript>This page needs JavaScript to open a WebSocket.</noscript>
</main>
</body>
</html>
)";

constexpr std::string_view kScript = R"("use strict";
const $ = (id) => document.getElementById(id);
const kLinesMax = 500;
let socket = null;

function show(state, connected) {
  $("state").textContent = state;
  $("toggle").textContent = socket ? "Leave" : "Join";
  $("room").disabled = socket !== null;
  $("text").disabled = $("send").disabled = !connected;
}

function append(text) {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  const line = document.createElement("li");
  line.textContent = text;
  log.append(line);
  while (log.childElementCount > kLinesMax) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function join(room) {
  const url = new URL("rooms/" + encodeURIComponent(room), document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const mine = (socket = new WebSocket(url));
  mine.binaryType = "arraybuffer";
  show("Connecting to " + room + " …", false);
  mine.onopen = () => {
    show("Connected to " + room + ".", true);
    $("text").focus();
  };
  mine.onmessage = ({ data }) =>
    append(typeof data === "string" ? data : "[" + data.byteLength + " bytes]");
  mine.onclose = ({ code, reason }) => {
    socket = null;
    show("Closed with code " + code + (reason ? ": " + reason : "") + ".", false);
  };
}

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket) socket.close(1000);
  else join($("room").value);
});

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  socket.send($("text").value);
  $("text").value = "";
});
)";

constexpr std::string_view kStyle = R"(:root { color-scheme: light dark; --line: #767676; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
input { flex: 1 1 12rem; min-width: 0; }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid var(--line); border-radius: .3rem; }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
#log { height: 50vh; overflow-y: auto; margin: 1rem 0; padding: .5rem; list-style: none;
  border: 1px solid var(--line); border-radius: .3rem; overflow-wrap: anywhere; }
)";

Response text_response(std::string_view type, std::string_view body) {
  Response response;
  response.content_type = std::string(type) + "; charset=utf-8";
  response.body = body;
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace

Response demo_page() { return text_response("text/html", kPage); }
Response demo_script() { return text_response("text/javascript", kScript); }
Response demo_style() { return text_response("text/css", kStyle); }

}  // namespace wsd::daemon

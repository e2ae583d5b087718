// The page at "/": a minimal client for the chat.
#pragma once

namespace chat {

inline constexpr char kPage[] = R"html(<!doctype html>
<meta charset="utf-8">
<title>chat</title>
<form><input id="line" autofocus autocomplete="off" size="60"> <button>send</button></form>
<pre id="log"></pre>
<script>
const user = prompt("Your name?", "guest") || "guest";
const log = (text) => { document.getElementById("log").prepend(text + "\n"); };
let socket, wait = 500;
function connect() {
  socket = new WebSocket(`ws://${location.host}/rooms/lobby?user=${encodeURIComponent(user)}`, ["chat.v1"]);
  socket.onopen = () => { wait = 500; };
  socket.onmessage = (event) => log(event.data);
  socket.onclose = (event) => {
    log(`closed: ${event.code} ${event.reason}`);
    if (event.code === 1000) return;
    // A random delay that doubles, so that clients do not all reconnect to a new server at once.
    setTimeout(connect, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, 30000);
  };
}
connect();
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const line = document.getElementById("line");
  if (line.value !== "") socket.send(line.value);
  line.value = "";
};
</script>
)html";

}  // namespace chat

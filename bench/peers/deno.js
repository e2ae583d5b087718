// Deno's own server: deno run --allow-net bench/peers/deno.js. Each path except /echo is a room.
const rooms = new Map();

function room(path) {
  if (!rooms.has(path)) rooms.set(path, new Set());
  return rooms.get(path);
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.error(`listening on 127.0.0.1:${port}`),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 120 });
  const path = new URL(request.url).pathname;
  if (path === "/echo") {
    socket.onmessage = (event) => socket.send(event.data);
  } else {
    const members = room(path);
    socket.onopen = () => members.add(socket);
    socket.onclose = () => members.delete(socket);
    socket.onmessage = (event) => {
      for (const member of members) member.send(event.data);
    };
  }
  return response;
});

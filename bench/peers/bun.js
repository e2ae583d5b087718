// Bun's own server: bun bench/peers/bun.js [--deflate]. Each path except /echo is a room.
const deflate = process.argv.includes("--deflate");
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const path = new URL(request.url).pathname;
    if (server.upgrade(request, { data: path })) return;
    return new Response("a WebSocket handshake is wanted here\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: deflate,
    maxPayloadLength: 16 * 1024 * 1024,
    backpressureLimit: 16 * 1024 * 1024,
    open(ws) {
      if (ws.data !== "/echo") ws.subscribe(ws.data);
    },
    message(ws, message) {
      if (ws.data === "/echo") ws.send(message, deflate);
      else server.publish(ws.data, message);
    },
  },
});
console.error(`listening on 127.0.0.1:${server.port}`);

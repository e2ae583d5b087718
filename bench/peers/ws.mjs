// npm ws: node bench/peers/ws.mjs [--deflate]. Each path except /echo is a room.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(process.env.PEERS_ROOT ?? import.meta.url)("ws");
const deflate = process.argv.includes("--deflate");
const rooms = new Map();
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  maxPayload: 16 * 1024 * 1024,
  perMessageDeflate: deflate && { threshold: 0 },
});
server.on("connection", (socket, request) => {
  socket.on("error", console.error);
  if (request.url === "/echo") {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    return;
  }
  if (!rooms.has(request.url)) rooms.set(request.url, new Set());
  const members = rooms.get(request.url);
  members.add(socket);
  socket.on("close", () => members.delete(socket));
  socket.on("message", (data, binary) => {
    for (const member of members) member.send(data, { binary });
  });
});
server.on("listening", () => console.error(`listening on 127.0.0.1:${server.address().port}`));

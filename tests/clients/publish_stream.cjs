// Publishes bodies of unknown length, which Node sends in chunks.
//
//   node publish_stream.cjs URL    prints the status of each response, one per line
"use strict";

const { once } = require("node:events");
const http = require("node:http");

async function by_request(url) {
  const request = http.request(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
  });
  request.write('{"by":');
  request.end('"request"}');
  const [response] = await once(request, "response");
  response.resume();
  return response.statusCode;
}

async function by_fetch(url) {
  const bytes = new TextEncoder().encode('{"by":"fetch"}');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", duplex: "half", headers, body });
  await response.text();
  return response.status;
}

async function main(url) {
  console.log(await by_request(url));
  console.log(await by_fetch(url));
}

main(process.argv[2]);

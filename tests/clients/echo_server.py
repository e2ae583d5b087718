"""An echo server on the Python library `websockets`, for tests of the client. It chooses the
subprotocol "b", and closes with 4000 when it gets the text "close".

  echo_server.py    prints "listening PORT", "pong" when a client has answered a Ping, and
                    "closed CODE REASON" for each end; runs until it is killed
"""

import asyncio

import websockets


async def echo(socket, _path=None):
    await (await socket.ping("python"))
    print("pong python", flush=True)
    try:
        async for message in socket:
            if message == "close":
                await socket.close(4000, "asked")
            else:
                await socket.send(message)
    finally:
        print("closed", socket.close_code, socket.close_reason, flush=True)


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, subprotocols=["b"]) as server:
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())

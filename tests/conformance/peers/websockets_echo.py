"""An echo server on the Python library `websockets`, with compression.

  websockets_echo.py    prints "listening PORT" and ends when its standard input does
"""

import asyncio
import logging
import sys

import websockets


async def echo(socket, _path=None):
    async for message in socket:
        await socket.send(message)


async def main():
    logging.disable(logging.CRITICAL)
    # No limit on the size of messages, because the catalogue has messages of 16 MiB.
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())

"""An echo client on the Python library `websockets`, with compression, for `wsconform --serve`.

  websockets_echo_client.py ws://127.0.0.1:PORT
"""

import asyncio
import logging
import sys

import websockets
import websockets.version


async def echo(url):
    """Echoes until the connection ends. Returns the last message."""
    last = None
    try:
        # No limit on the size of messages, because the catalogue has messages of 16 MiB.
        async with websockets.connect(url, max_size=None, ping_interval=None) as socket:
            async for message in socket:
                last = message
                await socket.send(message)
    except (websockets.WebSocketException, OSError):
        pass  # The reason of a failure is the server's to judge.
    return last


async def main(base):
    logging.disable(logging.CRITICAL)
    agent = "websockets-" + websockets.version.version
    count = int(await echo(base + "/getCaseCount"))
    for number in range(1, count + 1):
        await echo(f"{base}/runCase?case={number}&agent={agent}")
    await echo(f"{base}/updateReports?agent={agent}")


asyncio.run(main(sys.argv[1]))

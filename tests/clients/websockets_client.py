"""A client based on the Python library `websockets`.

  websockets_client.py echo URL            checks an echo; prints "ok NAME" for each check
  websockets_client.py chat URL NAME PEER  chats in a room: see chat() below
  websockets_client.py wait URL            prints "open", then "closed CODE" when the server closes

If the environment variable CLIENT_ADDRESS is set, it connects from that address.

Exits with status 0 on success. Uses only the interfaces that version 10 and later ones share.
"""

import asyncio
import os
import sys

import websockets

PATIENCE_S = 30


def connect(url, **options):
    if "CLIENT_ADDRESS" in os.environ:
        options["local_addr"] = (os.environ["CLIENT_ADDRESS"], 0)
    return websockets.connect(url, max_size=None, **options)


async def check_text(url):
    async with connect(url) as socket:
        for text in ("", "hello", "héllo 🐍", "x" * 70000):
            await socket.send(text)
            assert await socket.recv() == text


async def check_binary(url):
    async with connect(url) as socket:
        for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
            data = bytes([size % 251 + 1]) * size
            await socket.send(data)
            assert await socket.recv() == data, size


async def check_fragments(url):
    async with connect(url) as socket:
        await socket.send(["one ", "two ", "three"])
        assert await socket.recv() == "one two three"
        await socket.send([b"\x00", b"\xff", b""])
        assert await socket.recv() == b"\x00\xff"


async def check_order(url):
    async with connect(url) as socket:
        for i in range(1000):
            await socket.send(str(i))
        for i in range(1000):
            assert await socket.recv() == str(i)


async def check_ping(url):
    async with connect(url) as socket:
        pong = await socket.ping("are you there")
        await pong


async def check_close_codes(url):
    for code in (1000, 1001, 3000, 4999):
        async with connect(url) as socket:
            await socket.close(code, "bye")
            assert socket.close_code == code, socket.close_code


async def check_without_compression(url):
    async with connect(url, compression=None) as socket:
        await socket.send("z" * 10000)
        assert await socket.recv() == "z" * 10000


async def echo(url):
    for name, check in sorted(globals().items()):
        if name.startswith("check_"):
            await check(url)
            print("ok", name[6:], flush=True)


async def chat(url, name, peer):
    """Greets, answers the other's greeting, and leaves after its own greeting was answered.

    Prints "joined" when its own greeting has come back: from then on it misses no message.
    """
    answered = answering = False
    async with connect(url) as socket:
        await socket.send(f"{name}: hello")
        while not (answered and answering):
            text = await socket.recv()
            if text == f"{name}: hello":
                print("joined", flush=True)
            elif text == f"{peer}: hello":
                await socket.send(f"{name}: hello {peer}, this is {name}")
                await socket.send(f"{name}: hello")
            elif text == f"{name}: hello {peer}, this is {name}":
                answering = True
            elif text == f"{peer}: hello {name}, this is {peer}":
                answered = True
    print("answered", flush=True)


async def wait(url):
    async with connect(url) as socket:
        print("open", flush=True)
        try:
            while True:
                await socket.recv()
        except websockets.ConnectionClosed:
            print("closed", socket.close_code, flush=True)


async def main():
    what, *rest = sys.argv[1:]
    await asyncio.wait_for({"echo": echo, "chat": chat, "wait": wait}[what](*rest), PATIENCE_S)


asyncio.run(main())

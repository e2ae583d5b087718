#!/usr/bin/env python3
"""Restarts three wsd servers in turn behind a real nginx, under load and with probes.

    rolling_restart.py WSD [--drain-delay DURATION]

A prober asks /readyz of each server and writes the servers that are ready into nginx's configuration,
as an operator would. Meanwhile

* requesters send GET and POST requests through nginx, each on a connection of its own;
* publishers POST each message, with an id, to every server until that server has responded with 2xx,
  because rooms are not shared between servers;
* subscribers connect through nginx with ?last=N, reconnect after each Close, and remove duplicates.

The exit status is 0 if every request got a 2xx response, every subscriber got every message, every
server drained with status 0, and each restart closed subscribers with 1001. Otherwise it is 1.

DURATION is the servers' --drain-delay. "none" leaves the flag out, for servers that do not have it.
"""
import argparse
import asyncio
import base64
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import time

SERVERS = 3
SUBSCRIBERS = 12
REQUESTERS = 4
PUBLISHERS = 2
REQUESTS_PER_SECOND = 40.0  # of each requester
MESSAGES_PER_SECOND = 20.0  # of each publisher
PROBES_PER_SECOND = 5.0
PATIENCE_S = 60.0  # when a wait for an event is given up; it measures nothing
HISTORY = 100_000

TOP = pathlib.Path(__file__).resolve().parents[2]
begun = time.monotonic()
children = []  # every process that was started


async def spawn(*command, **options):
    child = await asyncio.create_subprocess_exec(*command, **options)
    children.append(child)
    return child


def log(text):
    print(f"{time.monotonic() - begun:7.3f}  {text}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx_program():
    """Returns nginx's path. A user's PATH often lacks the folders of daemons."""
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return path or sys.exit("rolling_restart: nginx is missing: run 'make check-deps'")


async def within_patience(awaitable, what):
    try:
        return await asyncio.wait_for(awaitable, PATIENCE_S)
    except asyncio.TimeoutError:
        raise SystemExit(f"gave up after {PATIENCE_S:.0f} s: {what}") from None


class Ticker:
    """Paces a loop. tick() returns False when the test is over."""

    def __init__(self, per_second, over):
        self.period, self.over, self.due = 1 / per_second, over, time.monotonic()

    async def tick(self):
        self.due = max(self.due + self.period, time.monotonic())
        try:
            await asyncio.wait_for(self.over.wait(), max(self.due - time.monotonic(), 0.001))
        except asyncio.TimeoutError:
            return True
        return False


class Http:
    """One HTTP connection. request() returns the status, or None if the server ended it first."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def request(self, method, target, body=b"", extra=""):
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{extra}"
            if method == "POST":
                head += f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            self.writer.write(head.encode() + b"\r\n" + body)
            answer = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"(?im)^content-length: *(\d+)", answer)
            if length:
                await self.reader.readexactly(int(length[1]))
            if not length or re.search(r"(?im)^connection:.*close", answer):
                self.close()
            return int(answer.split(" ", 2)[1])
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return None

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Server:
    """One wsd. It keeps its port when it is restarted."""

    def __init__(self, number, command):
        self.name, self.command, self.port, self.admin = f"wsd{number}", command, 0, 0
        self.process = None
        self.accepts = asyncio.Event()  # publishers may send
        self.behind = 0  # messages that this server does not have yet
        self.caught_up = asyncio.Event()
        self.closed = 0  # subscribers that a drain of this server has closed

    async def start(self):
        flags = [f"--listen=127.0.0.1:{self.port}", "--admin=127.0.0.1:0",
                 f"--history-messages={HISTORY}", "--history-bytes=64MiB", "--reactors=1",
                 "--log-level=warn", "--trusted-proxy=127.0.0.1"]
        self.process = await spawn(
            *self.command, *flags, stderr=asyncio.subprocess.PIPE)
        for line in ("listening on ", "admin on "):
            text = (await within_patience(self.process.stderr.readline(), f"{self.name} starts")
                    ).decode()
            if not text.startswith(line):
                raise SystemExit(f"{self.name} does not start: {text}")
            port = int(text.rsplit(":", 1)[1])
            if line.startswith("listening"):
                self.port = port
            else:
                self.admin = port
        self.accepts.set()
        log(f"{self.name} listens on port {self.port}")

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest = await within_patience(self.process.stderr.read(), f"{self.name} ends")
        self.accepts.clear()
        status = await self.process.wait()
        for line in rest.decode().splitlines():
            log(f"{self.name} says: {line}")
        return status

    async def ready(self):
        http = Http(self.admin)
        status = await http.request("GET", "/readyz", extra="Connection: close\r\n")
        http.close()
        return status == 200

    async def tcp_probe(self):
        try:
            (await asyncio.open_connection("127.0.0.1", self.port))[1].close()
        except OSError:
            pass


class Nginx:
    """nginx with docs/deploy/nginx.conf, without TLS, and with the servers that are ready."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        site = (TOP / "docs/deploy/nginx.conf").read_text()
        site = re.sub(r"\n *ssl_[^\n]*", "", site)
        site = re.sub(r"\n *listen \[::\][^\n]*", "", site)
        site, count = re.subn(r"listen 443 ssl;", f"listen 127.0.0.1:{self.port};", site)
        self.site, servers = re.subn(r"server 127\.0\.0\.1:9001;", "@SERVERS@", site)
        if count != 1 or servers != 1:
            raise SystemExit("docs/deploy/nginx.conf has changed: adapt this program")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{user}daemon off;\nworker_processes 1;\nerror_log {folder}/errors error;\n"
            f"pid {folder}/nginx.pid;\nevents {{ worker_connections 512; }}\n"
            f"http {{\naccess_log off;\n{paths}include {folder}/site.conf;\n}}\n")

    def write(self, servers):
        lines = " ".join(f"server 127.0.0.1:{each.port};" for each in servers)
        (self.folder / "site.conf").write_text(self.site.replace("@SERVERS@", lines))

    async def start(self, servers):
        self.write(servers)
        self.process = await spawn(
            nginx_program(), "-e", f"{self.folder}/errors", "-p", f"{self.folder}",
            "-c", f"{self.folder}/nginx.conf")
        http = Http(self.port)
        deadline = time.monotonic() + PATIENCE_S
        while await http.request("GET", "/healthz") is None:
            if time.monotonic() > deadline or self.process.returncode is not None:
                raise SystemExit("nginx does not start")
            await asyncio.sleep(0.02)  # nginx reports its start to nobody
        http.close()

    def use(self, servers):
        self.write(servers)
        self.process.send_signal(signal.SIGHUP)

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        await within_patience(self.process.wait(), "nginx ends")


class Prober:
    """Lets nginx use the servers whose /readyz responds with 200."""

    def __init__(self, servers, nginx, over):
        self.servers, self.nginx, self.over = servers, nginx, over
        self.ready, self.probes, self.changed = set(servers), 0, asyncio.Condition()

    async def run(self):
        ticker = Ticker(PROBES_PER_SECOND, self.over)
        while await ticker.tick():
            answers = await asyncio.gather(*(each.ready() for each in self.servers))
            await asyncio.gather(*(each.tcp_probe() for each in self.servers))
            self.probes += 2 * len(self.servers)
            now = {each for each, ready in zip(self.servers, answers) if ready}
            if now and now != self.ready:
                self.nginx.use(sorted(now, key=lambda each: each.name))
                async with self.changed:
                    self.ready = now
                    self.changed.notify_all()
                log("nginx uses " + ", ".join(sorted(each.name for each in now)))

    async def wait_for_all(self):
        async with self.changed:
            await within_patience(
                self.changed.wait_for(lambda: len(self.ready) == len(self.servers)),
                "all servers are ready")


class Requester:
    """Sends requests through nginx, each on a connection of its own."""

    def __init__(self, port, authorization, over):
        self.port, self.over, self.statuses = port, over, {}
        self.fields = authorization + "Connection: close\r\n"

    async def run(self):
        ticker, count = Ticker(REQUESTS_PER_SECOND, self.over), 0
        while await ticker.tick():
            count += 1
            http = Http(self.port)
            if count % 2:
                status = await http.request("POST", "/rooms/load", b"x", self.fields)
            else:
                status = await http.request("GET", "/", extra=self.fields)
            http.close()
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status != 200 and self.statuses[status] == 1:
                log(f"a request got {status or 'no response'}")


class Publisher:
    """Publishes each message to every server, at least once."""

    def __init__(self, name, authorization, servers, over):
        self.name, self.servers, self.over = name, servers, over
        self.fields = authorization
        self.sent, self.queues = [], [asyncio.Queue() for _ in servers]

    async def run(self):
        senders = [asyncio.create_task(self.send_to(server, queue))
                   for server, queue in zip(self.servers, self.queues)]
        ticker = Ticker(MESSAGES_PER_SECOND, self.over)
        while await ticker.tick():
            message = f"{self.name}-{len(self.sent)}"
            self.sent.append(message)
            for server, queue in zip(self.servers, self.queues):
                server.behind += 1
                server.caught_up.clear()
                queue.put_nowait(message)
        for queue in self.queues:
            queue.put_nowait(None)
        await asyncio.gather(*senders)

    async def send_to(self, server, queue):
        http = Http(server.port)
        while (message := await queue.get()) is not None:
            while True:
                await within_patience(server.accepts.wait(), f"{server.name} accepts again")
                status = await http.request("POST", "/rooms/news", message.encode(), self.fields)
                if status is not None and 200 <= status < 300:
                    break
                http.close()
                await asyncio.sleep(0.02)  # the server leaves: its restart is another event
            server.behind -= 1
            if server.behind == 0:
                server.caught_up.set()
        http.close()


class Subscriber:
    """A WebSocket client behind nginx. It resumes after each end, and removes duplicates."""

    def __init__(self, port, restarting):
        self.port, self.restarting = port, restarting
        self.got, self.duplicates, self.connects, self.ends = set(), 0, 0, {}
        self.open, self.news = asyncio.Event(), asyncio.Condition()

    async def run(self):
        while True:
            try:
                end = await self.connection()
            except (OSError, asyncio.IncompleteReadError):
                end = 1006
            self.open.clear()
            self.ends[end] = self.ends.get(end, 0) + 1
            server = self.restarting()
            if end == 1001 and server is not None:
                server.closed += 1
            elif end != 1001:
                if self.ends[end] == 1:
                    log(f"a subscriber's connection ended with {end}")
                await asyncio.sleep(0.02)

    # Returns the code of the Close, or the status of the response.
    async def connection(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(f"GET /rooms/news?last={HISTORY} HTTP/1.1\r\nHost: localhost\r\n"
                         "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                         f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
            status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
            if status != 101:
                return status
            self.connects += 1
            self.open.set()
            while True:
                opcode, payload = await self.frame(reader)
                if opcode in (8, 9):  # RFC 6455 §5.5.1, §5.5.3: the reply has the same payload
                    writer.write(masked(opcode if opcode == 8 else 10, payload))
                    await writer.drain()
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big") or 1005
                if opcode == 1:
                    await self.take(payload.decode())
        finally:
            writer.close()

    @staticmethod
    async def frame(reader):
        first, length = await reader.readexactly(2)
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await reader.readexactly(8), "big")
        return first & 15, await reader.readexactly(length)

    async def take(self, message):
        self.duplicates += message in self.got
        self.got.add(message)
        async with self.news:
            self.news.notify_all()

    async def wait_for(self, messages):
        async with self.news:
            try:
                await asyncio.wait_for(self.news.wait_for(lambda: messages <= self.got), PATIENCE_S)
            except asyncio.TimeoutError:
                pass
        return len(messages - self.got)


def masked(opcode, payload):
    """Returns a client's control frame (RFC 6455 §5.3)."""
    key = os.urandom(4)
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + key + body


async def run(command, folder):
    try:
        return await roll(command, folder)
    finally:
        for child in children:
            if child.returncode is None:
                child.terminate()
                child.terminate()  # a second signal ends a draining wsd at once


async def roll(command, folder):
    over, faults, current = asyncio.Event(), [], [None]
    token = base64.b64encode(os.urandom(32)).decode()
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(token + "\n")
    command = [*command, f"--publish-token-file={folder}/token"]
    authorization = f"Authorization: Bearer {token}\r\n"
    servers = [Server(i + 1, command) for i in range(SERVERS)]
    for server in servers:
        await server.start()
    nginx = Nginx(folder)
    await nginx.start(servers)
    log(f"nginx listens on port {nginx.port}")
    prober = Prober(servers, nginx, over)
    subscribers = [Subscriber(nginx.port, lambda: current[0]) for _ in range(SUBSCRIBERS)]
    listening = [asyncio.create_task(each.run()) for each in subscribers]
    for each in subscribers:
        await within_patience(each.open.wait(), "the subscribers connect")
    requesters = [Requester(nginx.port, authorization, over) for _ in range(REQUESTERS)]
    publishers = [Publisher(f"p{i}", authorization, servers, over) for i in range(PUBLISHERS)]
    tasks = [asyncio.create_task(each.run()) for each in (prober, *requesters, *publishers)]

    for server in servers:
        current[0] = server
        log(f"{server.name} gets SIGTERM")
        status = await server.stop()
        log(f"{server.name} ended with status {status}, after it had closed {server.closed} subscribers")
        if status != 0:
            faults.append(f"{server.name} ended with status {status}")
        if server.closed == 0:
            faults.append(f"{server.name} had no subscriber, so its restart shows nothing")
        await server.start()
        await prober.wait_for_all()
        await within_patience(server.caught_up.wait(), f"{server.name} gets the messages it missed")
        for each in subscribers:
            await within_patience(each.open.wait(), "the subscribers reconnect")
        current[0] = None

    over.set()
    await within_patience(asyncio.gather(*tasks), "the publishers finish")
    sent = {message for each in publishers for message in each.sent}
    lost = [await each.wait_for(sent) for each in subscribers]
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    await nginx.stop()
    await asyncio.gather(*(each.stop() for each in servers))

    statuses, ends = {}, {}
    for total, parts in ((statuses, [each.statuses for each in requesters]),
                         (ends, [each.ends for each in subscribers])):
        for part in parts:
            for key, count in part.items():
                total[key] = total.get(key, 0) + count
    requests = sum(statuses.values())
    good = sum(count for status, count in statuses.items() if status and 200 <= status < 300)
    if good != requests:
        faults.append(f"{requests - good} requests got no 2xx: {statuses}")
    if any(end != 1001 for end in ends):
        faults.append(f"connections of subscribers ended otherwise than with 1001: {ends}")
    if sum(lost):
        faults.append(f"{sum(lost)} messages did not arrive")
    log(f"{SERVERS} servers restarted; {requests} requests through nginx, {good} with 2xx; "
        f"{len(sent)} messages to {SUBSCRIBERS} subscribers, {sum(lost)} lost, "
        f"{sum(each.duplicates for each in subscribers)} duplicates removed; "
        f"{sum(ends.values())} reconnects, of which {ends.get(1001, 0)} after 1001; "
        f"{prober.probes} probes")
    for fault in faults:
        log(f"FAULT: {fault}")
    for line in (folder / "errors").read_text().splitlines()[:3 if faults else 0]:
        log(f"nginx says: {line}")
    log("rolling restart: " + ("FAILED" if faults else "ok"))
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("wsd")
    parser.add_argument("--drain-delay", default="2s")
    arguments = parser.parse_args()
    command = [arguments.wsd]
    if arguments.drain_delay != "none":
        command.append(f"--drain-delay={arguments.drain_delay}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wsd-rolling-"))
    try:
        return asyncio.run(run(command, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

"""An echo client with one deliberate fault. The conformance check uses it to show that
`wsconform --serve` finds each fault.

  faulty_echo_client.py ws://127.0.0.1:PORT FAULT

The client implements only the parts of the protocol that its cases need. Each fault is named in the
code where it acts.
"""

import base64
import os
import socket
import struct
import sys
import time
import zlib

TAIL = b"\x00\x00\xff\xff"


class Over(Exception):
    """Ends the connection: with a Close of this code, or without a Close if the code is None."""


class Client:
    def __init__(self, host, port, fault):
        self.fault = fault
        self.socket = socket.create_connection((host, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.last = None

    def run(self, path):
        try:
            self.handshake(path)
            self.serve()
        except Over as end:
            if end.args[0] is not None and self.fault != "no-close":
                self.send_close(end.args[0])
                while self.input.read(65536):
                    pass
        except (OSError, struct.error):
            pass
        self.socket.close()
        return self.last

    def handshake(self, path):
        key = base64.b64encode(bytes(16) if self.fault == "key-again" else os.urandom(16)).decode()
        if self.fault == "key-short":
            key = key[4:]
        fields = [
            ("POST " if self.fault == "method" else "GET ") + path + " HTTP/1.1",
            "Connection: " + ("keep-alive" if self.fault == "connection" else "Upgrade"),
            "Upgrade: websocket",
            "Sec-WebSocket-Key: " + key,
            "Sec-WebSocket-Version: " + ("8" if self.fault == "version" else "13"),
        ]
        if self.fault != "host":
            fields.append("Host: localhost")
        if self.fault == "deflate-unknown":
            fields.append("Sec-WebSocket-Extensions: permessage-deflate; window=9")
        elif self.fault == "deflate-no-bits":
            fields.append("Sec-WebSocket-Extensions: permessage-deflate")
        elif self.fault.startswith("deflate"):
            fields.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
        request = "\r\n".join(fields + ["", ""]).encode()
        if self.fault == "early":
            request += self.frame(0x81, b"before the response")
        self.socket.sendall(request)
        self.extension = False
        line = self.input.readline()
        if not line.startswith(b"HTTP/1.1 101"):
            self.give_up()
        while line not in (b"\r\n", b""):
            self.extension = self.extension or line.startswith(b"Sec-WebSocket-Extensions")
            line = self.input.readline()
        self.deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)

    def give_up(self):
        raise Over(None)

    def read(self, size):
        data = self.input.read(size)
        return data if len(data) == size else self.give_up()

    def read_frame(self):
        first, size = self.read(2)
        if size & 128:
            raise Over(1002)
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.read(8))
        return first, self.read(size)

    def frame(self, first, payload):
        masked = 0 if self.fault == "unmasked" else 128
        head = bytes([first])
        if len(payload) < 126 and self.fault != "length-16":
            head += bytes([masked | len(payload)])
        elif len(payload) < 65536:
            head += bytes([masked | 126]) + struct.pack("!H", len(payload))
        else:
            head += bytes([masked | 127]) + struct.pack("!Q", len(payload))
        if not masked:
            return head + payload
        mask = b"mask" if self.fault == "same-mask" else os.urandom(4)
        key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
        data = int.from_bytes(payload, "big") ^ key
        return head + mask + data.to_bytes(len(payload), "big")

    def send(self, first, payload):
        self.socket.sendall(self.frame(first, payload))

    def send_close(self, code):
        code = {"code": 1001, "reserved-code": 1005}.get(self.fault, code)
        self.send(0x88, struct.pack("!H", code))
        if self.fault == "after-close":
            self.send(0x8A, b"late")

    def serve(self):
        message, opcode, compressed = b"", 0, False
        if self.fault == "gone":
            self.give_up()
        while True:
            first, payload = self.read_frame()
            if first & 0x30 or (first & 0x40 and not self.extension):
                if self.fault != "tolerant":
                    raise Over(1002)
            if first & 15 == 8:
                if self.fault == "deaf":
                    time.sleep(4)
                    self.give_up()
                raise Over(1000)
            if first & 15 == 9:
                self.send(0x8A, payload + b"!" if self.fault == "pong" else payload)
            if first & 15 >= 8:
                continue
            if first & 15:
                message, opcode, compressed = b"", first & 15, bool(first & 0x40)
            message += payload
            if first & 128:
                self.echo(opcode, message, compressed)

    def echo(self, opcode, message, compressed):
        if compressed:
            message = self.inflater.decompress(message + TAIL)
        self.last = message
        if self.fault == "text":
            message = message[:-1] + b"+"
        if self.fault == "type":
            opcode = 3 - opcode
        if self.fault == "rsv":
            self.send(0xC0 | opcode, message)
        elif self.extension:
            # Keeps the context and a window of 15 bits, which is a fault if the server limits them.
            out = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
            self.send(0xC0 | opcode, out[:-4] if self.fault != "deflate-corrupt" else b"\xff\xff")
        else:
            self.send(0x80 | opcode, message)


host, port = sys.argv[1].removeprefix("ws://").rsplit(":", 1)
fault = sys.argv[2]
count = int(Client(host, int(port), "none").run("/getCaseCount"))
for number in range(1, count + 1):
    if fault == "not-run":
        break
    if fault == "key-again":
        Client(host, int(port), fault).run("/runCase?case=%d&agent=faulty" % number)
    Client(host, int(port), fault).run("/runCase?case=%d&agent=faulty" % number)
Client(host, int(port), "none").run("/updateReports?agent=faulty")

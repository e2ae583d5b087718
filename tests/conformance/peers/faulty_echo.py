"""An echo server with one deliberate fault, which the path of the URL names. For example,
ws://127.0.0.1:PORT/mask masks its frames. The conformance check uses it to show that the suite
finds each fault.

  faulty_echo.py    prints "listening PORT" and ends when its standard input does

The server implements only the parts of the protocol that its cases need. Each fault is named in the
code where it acts.
"""

import base64
import hashlib
import socketserver
import struct
import sys
import threading
import time
import zlib

TAIL = b"\x00\x00\xff\xff"


class Over(Exception):
    """Ends the connection: with a Close of this code, or without a Close if the code is None."""


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            self.handshake()
            self.serve()
        except Over as end:
            if end.args[0] is not None:
                self.send_close(end.args[0])
            self.linger()
        except (OSError, struct.error):
            pass

    def handshake(self):
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.rfile.readline() or self.give_up()
        lines = request.decode().split("\r\n")
        self.fault = lines[0].split(" ")[1].strip("/")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        key = next(line.split(": ")[1] for line in lines if line.startswith("Sec-WebSocket-Key"))
        if self.fault == "accept":
            key += "x"
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        answer = [
            "HTTP/1.1 " + ("200 OK" if self.fault == "status" else "101 Switching Protocols"),
            "Upgrade: websocket",
            "Sec-WebSocket-Accept: " + base64.b64encode(digest).decode(),
        ]
        if self.fault != "connection":
            other = self.fault == "connection-other"
            answer.append("Connection: " + ("keep-alive" if other else "Upgrade"))
        if self.fault == "subprotocol":
            answer.append("Sec-WebSocket-Protocol: chat")
        self.failed = False
        self.extension = self.answered_extension(fields.get("sec-websocket-extensions", ""))
        if self.extension:
            answer.append("Sec-WebSocket-Extensions: " + self.extension)
        self.wfile.write("\r\n".join(answer + ["", ""]).encode())
        self.inflater = zlib.decompressobj(-15)
        self.deflater = zlib.compressobj(1, zlib.DEFLATED, -15)

    def answered_extension(self, offers):
        if self.fault == "unasked":
            return "permessage-deflate"
        if not offers or not self.fault.startswith("deflate"):
            return ""
        answer = "permessage-deflate"
        if "server_no_context_takeover" in offers:
            answer += "; server_no_context_takeover"
        if "server_max_window_bits" in offers and self.fault != "deflate-window":
            answer += "; server_max_window_bits=9"
        if self.fault == "deflate-twice":
            answer += "; client_max_window_bits=15; client_max_window_bits=15"
        if self.fault == "deflate-unknown":
            answer += "; window=9"
        return answer

    def give_up(self):
        raise Over(None)

    def read(self, size):
        data = self.rfile.read(size)
        return data if len(data) == size else self.give_up()

    def read_frame(self):
        first, second = self.read(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack("!H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.read(8))
        mask = self.read(4)
        # One operation on large integers is much faster than one on each byte.
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first, (int.from_bytes(self.read(size), "big") ^ key).to_bytes(size, "big")

    def send(self, first, payload):
        head = bytes([first])
        mask = 128 if self.fault == "mask" else 0
        if self.fault == "length-64" or len(payload) > 65535:
            head += bytes([mask | 127]) + struct.pack("!Q", len(payload))
        elif len(payload) < 126 and self.fault != "length-16":
            head += bytes([mask | len(payload)])
        else:
            head += bytes([mask | 126]) + struct.pack("!H", len(payload))
        self.wfile.write(head + bytes(4 if mask else 0) + payload)

    def send_close(self, code):
        code = {"code": 1001, "reserved-code": 1005}.get(self.fault, code)
        if self.fault == "no-close":
            return
        self.send(0x88, struct.pack("!H", code))
        if self.fault == "after-close":
            self.send(0x8A, b"late")

    def fail(self, code):
        """Sends a Close, but goes on serving the connection."""
        self.send_close(code)
        self.failed = True

    def linger(self):
        if self.fault in ("linger", "deaf"):
            while self.rfile.read(65536):
                pass
            time.sleep(3)

    def serve(self):
        message, opcode, compressed = b"", 0, False
        if self.fault == "gone":
            raise Over(None)
        while True:
            first, payload = self.read_frame()
            if first & 15 >= 8:
                self.control(first, payload)
                continue
            if first & 0x30 or (first & 0x40 and not self.extension):
                if self.fault == "pong-after-failure":
                    self.fail(1002)
                    continue
                if self.fault != "tolerant":
                    raise Over(1002)
            if self.fault == "early" and not first & 128:
                raise Over(1007)
            if self.fault == "empty-end" and first == 0x80 and not payload:
                raise Over(1002)
            if self.fault == "echo-after-failure" and first == 0 and not self.failed:
                self.fail(1007)
            if first & 15:
                message, opcode, compressed = b"", first & 15, bool(first & 0x40)
            message += payload
            if first & 128:
                self.echo(opcode, message, compressed)

    def control(self, first, payload):
        if first & 0x7F == 8:
            if self.fault == "deaf":
                self.linger()
            if self.fault not in ("close-for-first-ping", "echo-after-failure"):
                raise Over(None if self.failed else 1000)
        if first & 15 == 9 and self.fault == "close-for-first-ping" and not self.failed:
            self.fail(1002)
        elif first & 15 == 9 and not (self.failed and self.fault == "echo-after-failure"):
            self.send(0x8A, payload + b"!" if self.fault == "pong" else payload)

    def echo(self, opcode, message, compressed):
        if compressed and self.extension:
            message = self.inflater.decompress(message + TAIL)
        if self.fault == "deflate-ascii" and not message.isascii():
            raise Over(1007)
        if self.fault == "text":
            message = message[:-1] + b"+"
        if self.fault == "type":
            opcode = 3 - opcode
        if self.fault == "twice":
            self.send(0x80 | opcode, message)
        if self.fault == "fragments":
            self.send(opcode, message[:1])
            self.send(0x80 | opcode, message[1:])
        elif self.fault == "rsv":
            self.send(0xC0 | opcode, message)
        elif self.extension:
            self.send(0xC0 | opcode, self.compress(message))
        else:
            self.send(0x80 | opcode, message)

    def compress(self, message):
        if self.fault == "deflate-corrupt":
            return b"\xff\xff\xff"
        # Keeps the context between messages, which is a fault if the client asked for none.
        out = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return out[:-4] if out.endswith(TAIL) else out


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Connection)
print("listening", server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

"""Publishes bodies of unknown length, which Python's http.client sends in chunks.

    python3 publish_stream.py HOST:PORT PATH    prints the status of each response, one per line
"""
import http.client
import sys


def main(address, path):
    connection = http.client.HTTPConnection(address)
    for pieces in ([b"by ", b"generator"], [], [b"x" * 100_000] * 3):
        connection.request("POST", path, body=iter(pieces), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked", "Content-Type": "text/plain"})
        response = connection.getresponse()
        response.read()
        print(response.status, flush=True)


main(*sys.argv[1:])

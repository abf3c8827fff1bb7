"""One node of a small replicated key-value store.

The first node leads. It appends every write to its log, syncs it, applies it, and ships it to the
followers; with --replication sync it answers only when all of them have it. Requests and answers
are lines of JSON over TCP.
"""

import argparse
import json
import os
import socket
import socketserver
import threading

TIMEOUT = 0.8


def call(address, request):
    """Sends one request and gives back the answer. OSError before anything was sent; ValueError
    after."""
    with socket.create_connection(split(address), timeout=TIMEOUT) as connection:
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = connection.makefile().readline()
        except OSError as error:
            raise ValueError(str(error)) from error
    if not line:
        raise ValueError("the connection was closed")
    return json.loads(line)


def split(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


class Node:
    def __init__(self, options):
        self.options = options
        self.leads = options.number == 1
        peers = options.all.split(",")
        self.leader = peers[0]
        self.followers = [p for i, p in enumerate(peers, 1) if i not in (1, options.number)]
        self.values = {}
        self.length = 0
        self.lock = threading.RLock()
        self.replay()
        self.log = open(options.log, "ab")

    def replay(self):
        """Reads the log; what a crash has torn is cut off."""
        if not os.path.exists(self.options.log):
            return
        whole = 0
        with open(self.options.log, "rb") as log:
            for line in log:
                if not line.endswith(b"\n"):
                    break
                entry = json.loads(line)
                self.values[entry["key"]] = entry["value"]
                self.length += 1
                whole += len(line)
        os.truncate(self.options.log, whole)

    def append(self, entry):
        self.log.write(json.dumps(entry).encode() + b"\n")
        self.log.flush()
        os.fsync(self.log.fileno())
        self.values[entry["key"]] = entry["value"]
        self.length += 1

    def entries(self, start):
        with open(self.options.log, "rb") as log:
            return [json.loads(line) for line in log][start:]

    def handle(self, request):
        if "ship" in request:
            return self.follow(request["ship"])
        reads_here = "read" in request and self.options.read == "local"
        if self.leads or reads_here:
            return self.carry_out(request)
        try:
            return call(self.leader, request)
        except ValueError as error:
            return {"info": "connection-lost", "detail": str(error)}
        except OSError as error:
            return {"fail": "unavailable", "detail": str(error)}

    def carry_out(self, request):
        (name, op), = request.items()
        key = op["key"]
        with self.lock:
            now = self.values.get(key)
            if name == "read":
                return {"ok": {"read": {"key": key, "value": now}}}
            if name == "cas" and now != op["from"]:
                return {"fail": "cas-mismatch"}
            self.append({"key": key, "value": op["value"] if name == "write" else op["to"]})
            if self.options.replication == "sync" and not self.ship():
                return {"info": "too-few-acks"}
        if self.options.replication == "async":
            threading.Thread(target=self.ship, daemon=True).start()
        return {"ok": request}

    def ship(self):
        """Brings all followers what they lack; whether all have it."""
        return all([self.ship_to(follower) for follower in self.followers])

    def ship_to(self, follower):
        try:
            have = call(follower, {"ship": {"from": None, "entries": []}})["length"]
            entries = self.entries(have)
            answer = call(follower, {"ship": {"from": have, "entries": entries}})
            return answer["length"] >= self.length
        except (OSError, ValueError):
            return False

    def follow(self, shipped):
        with self.lock:
            if shipped["from"] == self.length:
                for entry in shipped["entries"]:
                    self.append(entry)
            return {"length": self.length}


def serve(address, node):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                answer = node.handle(json.loads(line))
                self.wfile.write(json.dumps(answer).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(split(address), Handler)
    threading.Thread(target=server.serve_forever).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int)
    for name in ["client", "peer", "all", "replication", "read", "log"]:
        parser.add_argument("--" + name)
    options = parser.parse_args()
    node = Node(options)
    serve(options.peer, node)
    serve(options.client, node)


main()

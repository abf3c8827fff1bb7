"""Speaks to a node for one client: reads a line of JSON, does what it says, prints a line."""

import json
import socket
import sys

connection = stream = None


def connect(address):
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=1)
    return connection, connection.makefile("rw")


def invoke(op):
    """The outcome of one operation: ok, fail only if it certainly did not take place, else info."""
    try:
        stream.write(json.dumps(op) + "\n")
        stream.flush()
        answer = stream.readline()
    except OSError as error:
        return {"info": "connection-lost", "detail": str(error)}
    if not answer:
        return {"info": "connection-lost", "detail": "the connection was closed"}
    return json.loads(answer)


for line in sys.stdin:
    said = json.loads(line)
    if "open" in said:
        try:
            connection, stream = connect(said["open"]["address"])
            answer = {"ok": {}}
        except OSError as error:
            answer = {"error": str(error)}
    elif "invoke" in said:
        answer = {"id": said["invoke"]["id"], **invoke(said["invoke"]["op"])}
    else:
        break
    print(json.dumps(answer), flush=True)
    # After a broken connection the next operation gets a new program, and with it a new one.
    if answer.get("info") == "connection-lost":
        break

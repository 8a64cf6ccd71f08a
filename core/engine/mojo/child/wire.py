"""Messages between the process that scores and its owner: a few words as JSON, then rows as Arrow."""

import json
import socket
import struct
from typing import Any

import pyarrow as pa

OUT_OF_MEMORY = 3
"""The exit code of a process that ran out of memory: that of Java's ExitOnOutOfMemoryError."""

_SIZES = struct.Struct("!IQ")
_SMALL = 1 << 16
_MAX_WORDS, _MAX_BODY = 1 << 20, 1 << 32  # more than any message of ours has


def send(line: socket.socket, head: dict[str, Any], body: pa.Buffer | None = None) -> None:
    """Send one message; for one thread at a time."""
    words, rows = json.dumps(head).encode(), memoryview(body if body is not None else b"")
    sizes = _SIZES.pack(len(words), len(rows))
    if len(rows) <= _SMALL:  # at once: the other side wakes up once
        line.sendall(b"".join((sizes, words, rows)))
        return
    line.sendall(sizes + words)
    line.sendall(rows)


def receive(line: socket.socket) -> tuple[dict[str, Any], pa.Buffer] | None:
    """Return the next message; None when the other side is gone, or sends something else."""
    sizes = _exactly(line, _SIZES.size)
    if sizes is None:
        return None
    n_words, n_body = _SIZES.unpack(sizes)
    if n_words > _MAX_WORDS or n_body > _MAX_BODY:
        return None
    words, body = _exactly(line, n_words), _exactly(line, n_body)
    return None if words is None or body is None else (json.loads(words), pa.py_buffer(body))


def to_buffer(rows: pa.RecordBatch) -> pa.Buffer:
    """Return rows as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    return sink.getvalue()


def from_buffer(body: pa.Buffer) -> pa.RecordBatch:
    """Return the rows that `to_buffer` wrote."""
    with pa.ipc.open_stream(body) as reader:
        return reader.read_next_batch()


def _exactly(line: socket.socket, size: int) -> bytearray | None:
    """Return so many bytes; None when the other side is gone before."""
    found = bytearray(size)
    view, at = memoryview(found), 0
    while at < size:
        try:
            got = line.recv_into(view[at:])
        except ConnectionError:
            return None
        if not got:
            return None
        at += got
    return found

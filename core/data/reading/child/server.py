"""The process that starts readers: it has the libraries in memory already and forks once per file.

Run by path and isolated (``python -I server.py CONTROL``), by `core.data.reading.client`. Each message on the control
socket carries one end of a socket pair, the line of one file: a JSON request comes in, the reader's answer goes out,
then a line feed and its exit code. Closing the line ends the reader. It never opens a file itself.
"""

import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path
from select import select
from typing import Any

# Isolated mode leaves the project out of the path. Appended, so that nothing in it can hide a standard module.
sys.path.append(str(Path(__file__).resolve().parents[4]))

# The libraries that most files need; a workbook's are loaded by its reader.
from core.data.reading.child import guard, parquet  # noqa: F401
from core.data.reading.child.flat import separated  # noqa: F401

_REQUEST_BYTES = 1 << 20


def main() -> None:
    """Fork a reader for each line that arrives, until the control socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is for the app, which then closes the socket.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the children that watch a reader.
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        while received := socket.recv_fds(control, 1, 1)[1]:
            line = socket.socket(fileno=received[0])
            if os.fork() == 0:
                control.close()
                _leave(_keep, line)
            line.close()


def _keep(line: socket.socket) -> None:
    """Fork the reader of one file, end it when the line is closed, and say how it ended."""
    os.setsid()
    ended, signalled = socket.socketpair()
    signalled.settimeout(0)
    signal.set_wakeup_fd(signalled.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    request = line.makefile("rb").readline(_REQUEST_BYTES)
    reader = os.fork()
    if reader == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _leave(_read, line, json.loads(request))
    ready, _, _ = select([line, ended], [], [])
    if line in ready:
        os.kill(reader, signal.SIGKILL)
    _, status = os.waitpid(reader, 0)
    line.sendall(b"\n%d" % os.waitstatus_to_exitcode(status))


def _read(line: socket.socket, request: dict[str, Any]) -> None:
    line.sendall(json.dumps(guard.answer(request)).encode())


def _leave(work: Any, *args: Any) -> None:
    """Do one thing and end this process, with code 1 where it failed.

    Arrow's read-ahead threads may still be letting go of the source: taking the interpreter down under them aborted 2
    of 60 reads on a busy machine, after the work was done.
    """
    code = 1
    try:
        work(*args)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()

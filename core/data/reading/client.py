"""Our side of the process that starts readers: one per process of ours, started with the first file."""

import atexit
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

_SCRIPT: Final = Path(__file__).parent / "child" / "server.py"
_ENV: Final = {
    "LANG": "C.UTF-8",
    # Each arena reserves address space, which RLIMIT_AS counts.
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # It forks, so it has no threads of its own; a reader's own threads are started after that.
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
_CHUNK_BYTES = 1 << 16
_END_S = 10.0  # a killed reader may still have memory to give back


class ReaderProcess:
    """A process that forks a guarded reader per file; it ends with ours, however ours ends."""

    def __init__(self, script: Path = _SCRIPT) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None before the first file."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, if it does not run; the first file then waits less."""
        with self._lock:
            self._connect()

    def ask(self, request: bytes, timeout_s: float) -> tuple[bytes, int]:
        """Have one request answered by a reader of its own.

        Parameters
        ----------
        request : bytes
            One line, without its line feed.
        timeout_s : float
            After that time the reader is ended.

        Returns
        -------
        answer : bytes
            What it answered.
        code : int
            Its exit code; negative: the signal that ended it.

        Raises
        ------
        TimeoutError
            If there was no answer in time.
        """
        line, theirs = socket.socketpair()
        deadline = time.monotonic() + timeout_s
        with line, theirs:
            self._send(theirs)
            theirs.close()
            try:
                line.settimeout(timeout_s)
                line.sendall(request + b"\n")
                output = _receive(line, deadline)
            except ConnectionError:  # the server itself was ended
                return b"", 1
            except TimeoutError:
                line.shutdown(socket.SHUT_WR)  # ends the reader; nothing may write any more when this returns
                _receive(line, time.monotonic() + _END_S)
                raise
        answer, is_whole, code = output.rpartition(b"\n")
        return answer, int(code) if is_whole else 1

    def close(self) -> None:
        """End it; a reader at work ends with its line."""
        with self._lock:
            self._disconnect()

    def _send(self, line: socket.socket) -> None:
        with self._lock:
            control = self._connect()
            try:
                socket.send_fds(control, [b"+"], [line.fileno()])
            except ConnectionError:  # somebody ended it between two files
                self._disconnect()
                socket.send_fds(self._connect(), [b"+"], [line.fileno()])

    def _connect(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", str(self._script), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_ENV,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            self._control = ours
            atexit.register(self.close)
        return self._control

    def _disconnect(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            self._control = None
            self._process.wait()


def _receive(line: socket.socket, deadline: float) -> bytes:
    """Return all that comes until the other side has closed its end."""
    parts: list[bytes] = []
    while (left_s := deadline - time.monotonic()) > 0:
        line.settimeout(left_s)
        if not (part := line.recv(_CHUNK_BYTES)):
            return b"".join(parts)
        parts.append(part)
    raise TimeoutError

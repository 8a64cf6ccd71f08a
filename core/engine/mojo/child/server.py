"""The process that scores: it starts a JVM, then answers over one socket until the owner's end is closed.

Run by path and isolated (``python -I server.py SOCKET OPTIONS``), by `core.engine.mojo.runtime`. It reads the model
files that it is told to, nothing else; rows come and go over the socket. A fault that it did not expect ends it, and
its log says where it was, but nothing of the rows.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Isolated mode leaves the project out of the path. Appended, so that nothing in it can hide a standard module.
sys.path.append(str(Path(__file__).resolve().parents[4]))

import jpype
import pyarrow as pa

from core.engine.mojo.child import java, wire
from core.engine.mojo.child.models import EnsembleModel, Model, Models
from core.errors import AppError, EngineError
from core.memory import leave_out_pandas

_LOG_BYTES = 16 * 1024**2  # the log is the one file that it writes
# What the JVM and the libraries reserve beside the heap (3 GiB, of which they use a tenth), and rows on their way.
_MORE_MEMORY = 6 * 1024**3


def main() -> None:
    """Answer until the socket is closed."""
    os.umask(0o077)
    leave_out_pandas()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is for the app, which then closes the socket
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _LOG_BYTES)
    line, sending = socket.socket(fileno=int(sys.argv[1])), threading.Lock()
    order = json.loads(sys.argv[2])
    java.start(order["libjvm"], order["jar"], order["options"])
    _limit(resource.RLIMIT_AS, java.heap_bytes() + _MORE_MEMORY)
    models, pool = Models.of_heap(), ThreadPoolExecutor(order["at_once"])

    def answer(head: dict[str, Any], body: pa.Buffer) -> None:
        said, found = _answer(models, head, body)
        with sending:
            wire.send(line, {"id": head["id"], **said}, found)

    while (message := wire.receive(line)) is not None:
        pool.submit(answer, *message).add_done_callback(_end_on_a_fault)
    os._exit(0)  # whatever is being computed: nobody waits for it any more


def _answer(models: Models, head: dict[str, Any], body: pa.Buffer) -> tuple[dict[str, Any], pa.Buffer | None]:
    try:
        model = models.open(head["path"], head["sha256"])
        if head["wanted"] == "ensemble":
            return _ensemble(model)
        if head["member"] is not None and isinstance(model, EnsembleModel):
            model = model.member(head["member"])
        rows = wire.from_buffer(body)
        if head["wanted"] == "predict":
            return {}, wire.to_buffer(model.predict(rows))
        return {"linear": model.is_linear}, wire.to_buffer(model.contributions(rows))
    except AppError as error:
        return {"error": {"kind": type(error).__name__, **error.to_dict()}}, None
    except jpype.JException as error:
        refused = EngineError(f"H2O's MOJO runtime refused the rows: {error.message()}")
        return {"error": {"kind": "EngineError", **refused.to_dict()}}, None


def _ensemble(model: Model) -> tuple[dict[str, Any], None]:
    if not isinstance(model, EnsembleModel) or not model.members:
        return {"members": []}, None
    members = [asdict(member) for member in model.members]
    return {"members": members, "intercept": model.intercept, "adds_up": model.adds_up}, None


def _end_on_a_fault(done: "Future[None]") -> None:
    if (fault := done.exception()) is not None:
        # Its own words may hold values of the rows.
        traceback.print_tb(fault.__traceback__)
        sys.stderr.write(f"{type(fault).__name__}\n")
        sys.stderr.flush()
        os._exit(wire.OUT_OF_MEMORY if isinstance(fault, MemoryError) else 1)


def _limit(what: int, most: int) -> None:
    """Set a limit, unless there is a lower one."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()

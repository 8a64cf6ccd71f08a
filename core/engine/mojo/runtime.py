"""Our side of the process that scores: started with the first question, replaced when it dies."""

import atexit
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache, cachedmethod

from core import errors
from core.engine.encoded import BIAS
from core.engine.jvm.embedded import embedded_jvm
from core.engine.mojo.child import wire
from core.engine.protocol import Ensemble, EnsembleMember, Mojo
from core.errors import EmptyDataError, EngineError, ScoringProcessError
from core.files import make_folder
from core.settings import Settings

_SCRIPT: Final = Path(__file__).parent / "child" / "server.py"
_ENV: Final = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
_AT_ONCE: Final = 4  # questions in the process: small ones need not wait for the part of a large file
_IN_FLIGHT: Final = 2  # parts of a large file: one is scored while the next one is written
_EXPLAINED_AT_ONCE: Final = 5_000  # TreeSHAP takes hundreds of times as long as a prediction
_ENSEMBLES: Final = 64
_NO_ROWS: Final = pa.record_batch({})
_END_S: Final = 2.0


class MojoRuntime:
    """`EngineMojos` on H2O's MOJO runtime."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._ensembles: LRUCache[str, Ensemble | None] = LRUCache(_ENSEMBLES)
        self._lock_ensembles = threading.Lock()
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """The process id; None before the first question."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process."""
        with suppress(EngineError):  # the first question says what is wrong
            self._ready()

    @cachedmethod(lambda self: self._ensembles, key=lambda _, mojo: mojo[1], lock=lambda self: self._lock_ensembles)
    def ensemble(self, mojo: Mojo) -> Ensemble | None:
        """Return how an ensemble is put together."""
        ((_, said),) = self._ask("ensemble", mojo, [_NO_ROWS])
        if not said["members"]:
            return None
        return Ensemble(
            tuple(EnsembleMember(**member) for member in said["members"]), said["intercept"], said["adds_up"]
        )

    def predict(self, mojo: Mojo, rows: Iterable[pa.RecordBatch], *, member: str | None = None) -> pa.Table:
        """Score rows."""
        return pa.Table.from_batches([found for found, _ in self._ask("predict", mojo, _filled(rows), member)])

    def contributions(
        self,
        mojo: Mojo,
        rows: Iterable[pa.RecordBatch],
        background: Iterable[pa.RecordBatch] = (),
        *,
        member: str | None = None,
    ) -> pa.Table:
        """Return the contributions of trees, of GLMs and of ensembles of these."""
        ensemble = None if member else self.ensemble(mojo)
        if ensemble is not None and ensemble.adds_up:
            rows, background = list(rows), list(background)
            weighted = [
                (one.weight, self.contributions(mojo, rows, background, member=one.key)) for one in ensemble.members
            ]
            return _together(weighted, ensemble.intercept)
        found = list(self._ask("contributions", mojo, _parts(_filled(rows)), member))
        table = pa.Table.from_batches([batch for batch, _ in found])
        if not found[0][1]["linear"]:
            return table
        usual = pa.Table.from_batches(
            [batch for batch, _ in self._ask("contributions", mojo, _filled(background), member)]
        )
        return _from_the_mean(table, usual)

    def close(self) -> None:
        """End the process; the next question starts another one."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _ask(
        self, wanted: str, mojo: Mojo, rows: Iterable[pa.RecordBatch], member: str | None = None
    ) -> Iterator[tuple[pa.RecordBatch, dict[str, Any]]]:
        process, waiting = self._ready(), deque[Future[_Answer]]()
        head = {"wanted": wanted, "path": str(mojo[0]), "sha256": mojo[1], "member": member}
        for batch in rows:
            waiting.append(process.ask(head, wire.to_buffer(batch)))
            if len(waiting) >= _IN_FLIGHT:
                yield self._answer(process, waiting.popleft())
        while waiting:
            yield self._answer(process, waiting.popleft())

    def _answer(self, process: "_Process", asked: "Future[_Answer]") -> tuple[pa.RecordBatch, dict[str, Any]]:
        limit_s = self._settings.scoring_timeout_s
        try:
            said, body = asked.result(limit_s)
        except TimeoutError as error:
            process.kill()
            raise ScoringProcessError(
                f"A part of the scoring took longer than {limit_s:g} s and was stopped.",
                hint="Score fewer columns or a smaller model, or raise BELLWETHER_SCORING_TIMEOUT.",
                code="scoring.too_slow",
            ) from error
        if "error" in said:
            kind: type[errors.AppError] = getattr(errors, said["error"].pop("kind"))
            raise kind(**said["error"])
        return wire.from_buffer(body) if body.size else _NO_ROWS, said

    def _ready(self) -> "_Process":
        with self._lock:
            if self._process is None or not self._process.is_alive():
                self._process = _Process(self._settings)
            return self._process


_Answer = tuple[dict[str, Any], pa.Buffer]


class _Process:
    """One process that scores, and the questions that it has not answered yet."""

    def __init__(self, settings: Settings) -> None:
        order = {**asdict(embedded_jvm(settings.scoring_memory_bytes)), "at_once": _AT_ONCE}
        log_dir = settings.mlruns_dir / "engine"
        make_folder(log_dir)
        self._line, theirs = socket.socketpair()
        # A process that takes nothing in must not hold up its owner; answers are waited for elsewhere.
        limit = struct.pack("ll", max(int(settings.scoring_timeout_s), 1), 0)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        log = os.open(log_dir / "scoring.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_SCRIPT), str(theirs.fileno()), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=log_dir,
                env=_ENV,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(log)
            theirs.close()
        self._numbers = itertools.count()
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[_Answer]] = {}
        self._changing = threading.Lock()
        self._free = threading.Semaphore(_AT_ONCE)  # so that time counts from when it can begin, and rows wait here
        self._has_ended = self._is_given_up = False
        threading.Thread(target=self._listen, name="scoring answers", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Return whether it can be asked."""
        return not self._is_given_up and not self._has_ended and self._process.poll() is None

    def ask(self, head: dict[str, Any], body: pa.Buffer) -> "Future[_Answer]":
        """Send a question when its turn comes; its answer comes in time, or the reason why it does not."""
        answer: Future[_Answer] = Future()
        self._free.acquire()
        with self._changing:
            if self._has_ended:
                self._free.release()
                answer.set_exception(self._died())
                return answer
            number = next(self._numbers)
            self._waiting[number] = answer
        with self._sending:
            try:
                wire.send(self._line, {"id": number, **head}, body)
            except BlockingIOError:
                self._settle(number, TimeoutError())
            except OSError:
                pass  # `_listen` tells everybody that it is gone
            except BaseException:  # half a message may be out
                self.kill()
                raise
        return answer

    def kill(self) -> None:
        """End it at once; nobody asks it any more."""
        self._is_given_up = True
        self._process.kill()

    def close(self) -> None:
        """End it, and wait until it has ended."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._end()

    def _end(self) -> None:
        """Wait until it has ended, by itself if it does: its exit code says why."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        try:
            while (message := wire.receive(self._line)) is not None:
                said, body = message
                self._settle(said.pop("id"), (said, body))
        finally:
            self._is_given_up = True
            self._end()
            with self._changing:
                self._has_ended = True
                left = list(self._waiting)
            self._line.close()
            for number in left:
                self._settle(number, self._died())

    def _settle(self, number: int, found: "_Answer | Exception") -> None:
        """Give a question its answer, unless it has one."""
        with self._changing:
            answer = self._waiting.pop(number, None)
        if answer is None:
            return
        self._free.release()
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def _died(self) -> ScoringProcessError:
        code = self._process.wait()
        if code == wire.OUT_OF_MEMORY:
            return ScoringProcessError(
                "The process that scores ran out of memory.",
                hint="Raise BELLWETHER_SCORING_MEMORY, or use a smaller model.",
                code="scoring.memory",
            )
        return ScoringProcessError(f"The process that scores ended (exit code {code}).")


def _filled(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches that have rows; EmptyDataError if none has."""
    has_any = False
    for batch in rows:
        if batch.num_rows:
            has_any = True
            yield batch
    if not has_any:
        raise EmptyDataError("There are no rows to score.")


def _parts(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield rows in parts whose contributions are there long before the time limit, on a busy machine too."""
    for batch in rows:
        for start in range(0, batch.num_rows, _EXPLAINED_AT_ONCE):
            yield batch.slice(start, _EXPLAINED_AT_ONCE)


def _together(weighted: Sequence[tuple[float, pa.Table]], intercept: float) -> pa.Table:
    """Return what members of an ensemble add, each times its weight; the intercept is in the bias."""
    sums: dict[str, Any] = {BIAS: pa.scalar(intercept)}
    for weight, table in weighted:
        for name in table.column_names:
            part = pc.multiply(table[name], weight)
            sums[name] = pc.add(sums[name], part) if name in sums else part
    return pa.table({name: sums[name] for name in sorted(sums, key=lambda name: name == BIAS)})


def _from_the_mean(terms: pa.Table, usual: pa.Table) -> pa.Table:
    """Return a GLM's terms as distances from their mean over usual rows, and that mean prediction as the bias.

    Of a model without interactions that is the Shapley value exactly, with the same rows as the background
    (Lundberg and Lee 2017, corollary 1).
    """
    means = {name: pc.mean(usual[name]).as_py() for name in terms.column_names}
    bias = pa.array([sum(means.values())] * terms.num_rows, pa.float64())
    return pa.table(
        {name: bias if name == BIAS else pc.subtract(terms[name], means[name]) for name in terms.column_names}
    )

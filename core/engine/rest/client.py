"""H2O's REST interface as plain data: one request, one answer, one kind of error.

Why not h2o's own client: docs/decisions/0010-rest-client.md.
"""

import json
import re
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote
from uuid import uuid4

import requests
import urllib3

from core.errors import EngineDiedError, EngineError, EngineUnavailableError

NOT_FOUND = "engine.not_found"
CONNECT_TIMEOUT_S = 3.05
READ_TIMEOUT_S = 120.0
# A Rapids expression answers when it is done, and a file when H2O has taken it all in.
LONG_READ_TIMEOUT_S = 3600.0
# How long a broken connection may wait for the word that the process is dead (an attached one is looked at each 0.5 s).
_DEATH_NEWS_S = 2.0
_LIFE_LOOK_S = 0.5
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25
_PAUSE_SHARE = 0.05
_LONGEST_REASON = 300
_BUSY = ("CREATED", "RUNNING", "CANCEL_PENDING")
_CHUNK_BYTES = 1 << 20
# What H2O puts before the words that matter: a field's name, a node's address, a Java class.
_NOISE = re.compile(
    r"^(ERRR on field: \S+?: |DistributedException from [^:]*:\d+: |(?:\w+\.)+\w+(?:Exception|Error)(?:: ?|$))+"
)

Value = str | int | float | bool | Sequence[str] | Sequence[float] | None


class Life(Protocol):
    """Whether the process behind a client still lives, and how it died."""

    @property
    def dead(self) -> threading.Event:
        """Set once the process is gone."""
        ...

    def death(self) -> EngineDiedError:
        """Return what to raise when it is."""
        ...


class ClusterConnection(Protocol):
    """The way to a cluster, whose client may be another one at each call; see `Server` and `ExternalServer`."""

    def client(self) -> "Client":
        """Return the client, after a first `connect`."""
        ...

    def connect(self) -> str:
        """Start or reach the cluster and return its name."""
        ...

    def is_alive(self, cluster: str) -> bool:
        """Return whether the cluster of that name runs."""
        ...

    def death(self) -> EngineDiedError:
        """Return why one that ran is not there any more."""
        ...


class Client:
    """A client of one H2O cluster, for any number of threads.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:54321``.
    user, password : str
        Sent with each request; none when `user` is empty.
    life : Life
        Consulted before each request and when a connection breaks.
    is_remote : bool
        Whether it is a cluster on other machines. Proxies and certificates of the environment count then, a GET whose
        connection breaks is repeated until `life` is over, and no request outlasts that.
    ca_file : str
        PEM file of the authorities that are trusted instead of the usual ones.
    hint : str, optional
        What to do when what was in the cluster is lost.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        life: Life,
        *,
        is_remote: bool = False,
        ca_file: str = "",
        hint: str | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._auth = (user, password) if user else None
        self._life = life
        self._is_remote = is_remote
        self._verify: str | None = str(Path(ca_file).expanduser()) if ca_file else None
        self._hint = hint
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._rapids_lock = threading.Lock()
        self._rapids_session: str | None = None

    def get(self, path: str, /, **params: Value) -> dict[str, Any]:
        """Return the JSON answer to a GET."""
        return self._json("GET", path, params=_form(params))

    def cloud(self, timeout_s: float) -> dict[str, Any]:
        """Return the cluster's state; asks once and waits no longer than `timeout_s`."""
        return self._json("GET", "/3/Cloud", params={"skip_ticks": "true"}, timeout=timeout_s, patient=False)

    def post(self, path: str, /, **data: Value) -> dict[str, Any]:
        """Return the JSON answer to a POST of form fields; None is left out, lists are written as H2O reads them."""
        return self._json("POST", path, data=_form(data))

    def post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON answer to a POST of JSON."""
        return self._json("POST", path, json=body)

    def delete(self, path: str, /, **params: Value) -> None:
        """Send a DELETE; what is not there is fine."""
        try:
            self._json("DELETE", path, params=_form(params))
        except EngineError as error:
            if error.code != NOT_FOUND:
                raise

    def send_file(self, path: str, file: Path, /, **params: Value) -> None:
        """Stream a file to H2O."""
        with file.open("rb") as content:
            self._send(
                "POST",
                path,
                params=_form(params),
                data=content,
                headers={"Content-Type": "application/octet-stream"},
                timeout=(CONNECT_TIMEOUT_S, LONG_READ_TIMEOUT_S),
            )

    @contextmanager
    def open(self, path: str, /, **params: Value) -> Iterator[IO[bytes]]:
        """Give the answer to a GET as a stream of bytes, to be read while H2O is still writing it."""
        response = self._send("GET", path, params=_form(params), stream=True)
        try:
            with response:
                yield response.raw
        except urllib3.exceptions.HTTPError as error:
            raise self._broken(_DEATH_NEWS_S) from error

    def save(self, path: str, target: Path) -> None:
        """Stream the answer to a GET into a file."""
        response = self._send("GET", path, stream=True)
        try:
            with response, target.open("wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
        except requests.RequestException as error:
            raise self._broken(_DEATH_NEWS_S) from error

    def wait(self, answer: Mapping[str, Any]) -> None:
        """Wait for the job that an answer holds."""
        key = job_key(answer)
        begun, pause = time.monotonic(), _FIRST_PAUSE_S
        while (job := self.job(key))["status"] in _BUSY:
            if self._life.dead.wait(pause):
                raise self._life.death()
            # A share of the time so far, so that looking late never adds more than that share.
            waited = (time.monotonic() - begun) * _PAUSE_SHARE
            pause = min(max(waited, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        if job["status"] == "FAILED":
            raise EngineError(plain_reason(job.get("exception") or "") or "H2O failed without giving a reason.")
        if job["status"] == "CANCELLED":
            raise EngineError("The work was cancelled in the engine.", code="engine.cancelled")

    def job(self, key: str) -> dict[str, Any]:
        """Return a job's state."""
        found: dict[str, Any] = self.get(f"/3/Jobs/{quoted(key)}")["jobs"][0]
        return found

    def rapids(self, expression: str) -> dict[str, Any]:
        """Evaluate a Rapids expression, one at a time, all in one session."""
        with self._rapids_lock:
            if self._rapids_session is None:
                self._rapids_session = str(self._json("POST", "/4/sessions")["session_key"])
            return self._json(
                "POST",
                "/99/Rapids",
                data={"ast": expression, "session_id": self._rapids_session},
                timeout=(CONNECT_TIMEOUT_S, LONG_READ_TIMEOUT_S),
            )

    def lost(self, message: str) -> EngineDiedError:
        """Return the error for what is no longer in the cluster."""
        return EngineDiedError(message, hint=self._hint)

    def close(self) -> None:
        """Close the connections of all threads."""
        for session in list(self._sessions):
            session.close()

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._send(method, path, **options).json()
        except requests.JSONDecodeError as error:
            raise EngineError(f"The engine's answer to {path} is not JSON.") from error
        return answer

    def _send(self, method: str, path: str, *, patient: bool = True, **options: Any) -> requests.Response:
        options.setdefault("timeout", (CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
        # Twice: a kept connection may have been closed by the other side.
        is_repeatable = patient and method == "GET"
        attempts = 2 if is_repeatable else 1
        while True:
            if self._life.dead.is_set():
                raise self._life.death()
            attempts -= 1
            try:
                response = self._request(method, self._url + path, **options)
            except requests.RequestException as error:
                is_lasting = self._is_remote and is_repeatable and not isinstance(error, requests.ReadTimeout)
                if isinstance(error, requests.Timeout) and not is_lasting:
                    raise EngineUnavailableError("The engine did not answer in time.") from error
                problem = self._broken(_DEATH_NEWS_S if patient else 0)
                if isinstance(problem, EngineDiedError) or not (attempts or is_lasting):
                    raise problem from error
                attempts = max(attempts, 1)
                continue
            if response.status_code >= 400:
                raise refused(response)
            return response

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        session = self._session()
        if not self._is_remote:
            return session.request(method, url, **options)
        # A machine that is gone closes no connection: who waits has to be told by `life`.
        answer: Future[requests.Response] = Future()
        threading.Thread(
            target=_answer_into, args=(answer, session, method, url, self._verify, options), daemon=True
        ).start()
        while not wait((answer,), _LIFE_LOOK_S).done:
            if self._life.dead.is_set():
                del self._local.session  # it is in use for as long as the request lasts
                raise self._life.death()
        return answer.result()

    def _broken(self, wait_s: float) -> EngineError:
        if self._life.dead.wait(wait_s):
            return self._life.death()
        return EngineUnavailableError("The connection to the engine was lost.")

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = self._is_remote
            session.auth = self._auth
            self._sessions.add(session)
        return session


def _answer_into(
    answer: "Future[requests.Response]",
    session: requests.Session,
    method: str,
    url: str,
    verify: str | None,
    options: Mapping[str, Any],
) -> None:
    try:
        answer.set_result(session.request(method, url, verify=verify, **options))
    except (requests.RequestException, OSError, ValueError) as error:
        answer.set_exception(error)


def quoted(key: str) -> str:
    """Return a key as one segment of a URL's path."""
    return quote(key, safe="")


def unique(kind: str) -> str:
    """Return a key that nobody has used or will use."""
    return f"{kind}_{uuid4().hex}"


def job_key(answer: Mapping[str, Any]) -> str:
    """Return the key of the job that an answer holds, under ``job`` or as the answer itself."""
    return str(answer.get("job", answer)["key"]["name"])


def table(two_dim: Mapping[str, Any] | None) -> dict[str, list[Any]]:
    """Return one of H2O's tables as columns by name, its nameless row headers under ``""``."""
    if two_dim is None:
        return {}
    return {column["name"]: values for column, values in zip(two_dim["columns"], two_dim["data"], strict=True)}


def is_silence(error: EngineError) -> bool:
    """Whether an error means that no answer came in time."""
    return isinstance(error.__cause__, requests.Timeout)


def refused(response: requests.Response) -> EngineError:
    """Return the error that H2O's answer stands for."""
    if response.status_code in (401, 403):
        return EngineUnavailableError("The engine refused the user name or the password.", code="engine.refused")
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = {}
    text = str(body.get("exception_msg") or body.get("msg") or "")
    reason = plain_reason(text) or f"The engine answered with HTTP status {response.status_code}."
    if response.status_code == 404 or reason == "Job is missing":
        return EngineError(reason, code=NOT_FOUND)
    return EngineError(reason)


def plain_reason(text: str) -> str:
    r"""Return the one line of H2O's error text that a person can use.

    Examples
    --------
    >>> plain_reason("\n\nERROR MESSAGE:\n\nJob is missing\n\n")
    'Job is missing'
    >>> plain_reason("java.lang.IllegalArgumentException: Response cannot be constant.\n\tat hex.X")
    'Response cannot be constant.'
    """
    _, _, details = text.partition("Details:")
    lines = [line.strip() for line in (details or text).splitlines()]
    for line in lines:
        plain = _NOISE.sub("", line)
        plain = plain.partition(", caused by ")[0].strip(" '")
        if plain and plain != "ERROR MESSAGE:" and not plain.startswith("at "):
            return plain[:_LONGEST_REASON]
    return ""


def _form(values: Mapping[str, Value]) -> dict[str, str]:
    return {key: _field(value) for key, value in values.items() if value is not None}


def _field(value: Value) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value if isinstance(value, int | float) else list(value or ()), ensure_ascii=False)

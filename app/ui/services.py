"""One set of services per process, shared by the pages and the HTTP routes.

MLflow takes seconds to import, so nothing here imports `core.services` before it is needed: the launcher builds in a
thread at start, whoever comes first waits for it, and a test puts its own in.
"""

import gc
import importlib
import logging
import threading
from typing import TYPE_CHECKING, TypedDict

from app.ui import sign_in
from core.access.permissions import CALLS
from core.access.roles import OWNER, Permission, Person, roles_words
from core.errors import AppError, StoreCorruptError, StoreError
from core.settings import load_settings

if TYPE_CHECKING:
    from core.services import Services

_CLOSE_WAIT_S = 4.0
_PAGE_WAIT_S = 5.0
_RETRY_S = 5.0
_MAINTAIN_S = 12 * 3600.0
# Explore judges the columns of a file with these, two seconds of loading that its first visit would wait for.
_EXPLORE = ("scipy.stats", "sklearn.metrics", "sklearn.model_selection", "sklearn.tree")

_log = logging.getLogger(__name__)


class _Holder:
    """The process-wide services; `lock` keeps building, starting and closing apart."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.services: Services | None = None
        self.checked: Services | None = None
        self.closed = threading.Event()
        self.page_shown = threading.Event()
        self.trouble: AppError | None = None


_holder = _Holder()


def get_services() -> "Services":
    """Return the services for a page, each call checked for whoever acts on it then; raises as `open_services` does."""
    services = open_services()
    if (checked := _holder.checked) is None:
        checked = _holder.checked = services.acting_as(lambda: sign_in.current_person(services.settings))
    return checked


def acting_person() -> Person:
    """Return who acts on this page now."""
    return sign_in.current_person(open_services().settings) if sign_in.is_set_up() else OWNER


def may(permission: Permission) -> bool:
    """Whether who acts on this page may do such things; asks nothing where nobody has to sign in."""
    return not sign_in.is_set_up() or open_services().access.may(acting_person(), permission)


class Control(TypedDict):
    """What a control that may not be used says, as its keywords."""

    disabled: bool
    help: str | None


def needs(call: str, *, disabled: bool = False, help: str | None = None) -> Control:  # noqa: A002
    """Return the keywords of a control that makes a call of a service: not for who may not make it, with the reason.

    Parameters
    ----------
    call : str
        Service and call, as in ``"jobs.cancel"``; what it needs stands in core's own table.
    disabled, help
        What the control is otherwise.
    """
    member, _, name = call.partition(".")
    permission = CALLS[member][name]
    if may(permission):
        return Control(disabled=disabled, help=help)
    return Control(disabled=True, help=f"Needs the role {roles_words(permission)}.")


def open_services() -> "Services":
    """Return the services, not checked yet for anybody; the first caller builds and starts them.

    Raises
    ------
    AppError
        If the home cannot be opened (SettingsError, StoreError and their kin); the next call tries again. And after
        `close`.
    """
    if (services := _holder.services) is not None:
        return services
    with _holder.lock:
        _check_open()
        if _holder.services is None:
            from core.services import build

            built = build(load_settings())
            _check_open()  # that takes seconds, for which `close` does not wait
            built.start()
            _holder.services, _holder.checked, _holder.trouble = built, None, None
        return _holder.services


def warm_engine() -> None:
    """Begin to start the engine where nobody has needed it yet: what the person does next trains."""
    engine = get_services().engine
    if engine.status().state == "stopped":
        engine.start_in_background()


def _check_open() -> None:
    if _holder.closed.is_set():
        raise StoreError("Bellwether is stopping.", hint="Start it again, then reload.", code="store.closed")


def find_services() -> "Services | None":
    """Return the services if they are there, not checked for anybody; builds nothing and never waits."""
    return _holder.services


def set_services(services: "Services | None") -> None:
    """Put other services in, as before any start or close; for tests. None takes them out without closing them."""
    with _holder.lock:
        _holder.services, _holder.checked, _holder.trouble = services, None, None
        _holder.closed.clear()


def page_shown() -> None:
    """Say that a page is on its way to a browser, so that slow work no longer keeps it waiting."""
    _holder.page_shown.set()


def find_trouble() -> AppError | None:
    """Return why the home cannot be opened, or what was found wrong with its databases, if anything."""
    return _holder.trouble


def start_in_background() -> None:
    """Build the services in a thread and begin to work on the queues; returns at once."""
    threading.Thread(target=_start, name="bellwether-start", daemon=True).start()


def close() -> None:
    """Stop the queues and what the services started; waits a little for a start in progress, not for a slow one."""
    _holder.closed.set()
    is_alone = _holder.lock.acquire(timeout=_CLOSE_WAIT_S)
    try:
        services, _holder.services, _holder.checked = _holder.services, None, None
        if services is not None:
            services.close()
    finally:
        if is_alone:
            _holder.lock.release()


def _start() -> None:
    services = _open()
    if services is None:
        return
    # Loading what draws and MLflow, and making its database, take seconds of processor time: first the first page, then
    # what the next one most likely needs.
    _holder.page_shown.wait(_PAGE_WAIT_S)
    import core.charts.models  # noqa: F401 - with Plotly and SciPy, so that the first figure does not wait for them

    for name in _EXPLORE:
        importlib.import_module(name)
    _maintain(services)
    _freeze()
    while not _holder.closed.wait(_MAINTAIN_S):  # a server may run for months
        _maintain(services)


def _maintain(services: "Services") -> None:
    try:
        services.maintain()
        _holder.trouble = None
    except AppError as error:
        _log.error("The databases are not well [%s]: %s", error.code, error.message)
        # A busy store or a full disk passes, and whoever meets it is told then; damage stays.
        _holder.trouble = error if isinstance(error, StoreCorruptError) else None


def _open() -> "Services | None":
    """Build the services, again until it succeeds: runs may wait in the queue though nobody opens a page."""
    while not _holder.closed.is_set():
        try:
            return open_services()
        except AppError as error:
            _log.error("The services could not be started [%s]: %s", error.code, error.message)
            # The pages show the same error with its hint: they build again, too, when they are opened.
            _holder.trouble = error
        if _holder.closed.wait(_RETRY_S):
            break
    return None


def _freeze() -> None:
    """Take what is loaded by now out of the reach of the garbage collector.

    Streamlit has everything looked through after each run of a page, and a page that shows a run as it goes runs every
    few seconds: with MLflow and Plotly loaded that took 0.2 s each time, of cores that a training needs.
    """
    gc.collect()
    gc.freeze()

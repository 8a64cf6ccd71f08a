"""How the log is written: as lines of text, or as one JSON object a line for what collects logs."""

import logging
from typing import Final

from pythonjsonlogger.json import JsonFormatter

from core.settings import Settings

# They write with handlers of their own, which would stay lines of text among the JSON.
_OTHERS: Final = ("streamlit", "uvicorn", "uvicorn.error", "uvicorn.access", "mlflow")
_NAMES: Final = {"levelname": "level", "name": "logger", "exc_info": "trace"}


def configure_logs(settings: Settings) -> None:
    """Write the log as the settings say; with `log_json` to stderr, `time` in UTC, `ref` where an error has one."""
    if not settings.log_json:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(["levelname", "name", "message"], rename_fields=_NAMES, timestamp="time"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _OTHERS:
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True

"""T14, T23: what the server is told before its first request, beside what tests/server/test_launcher.py asks of it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_t14_the_server_is_closed_by_its_settings():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    server = told["server"]
    assert server["address"] == "127.0.0.1"
    assert set(server["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert server.get("enableXsrfProtection", True) is True
    assert server.get("enableCORS", True) is True
    assert server.get("enableStaticServing", False) is False
    assert "enableAgentApi" not in str(told)
    assert 0 < server["maxUploadSize"] <= 1024
    assert told["client"]["showErrorDetails"] == "none"
    assert told["client"]["toolbarMode"] == "viewer"


def test_t23_no_usage_statistics():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["browser"]["gatherUsageStats"] is False
    launcher = (ROOT / "app" / "main.py").read_text(encoding="utf-8")
    off = launcher.index('"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"')
    assert off < launcher.index("import streamlit"), "set before anything could look"

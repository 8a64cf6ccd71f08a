"""T04, T23: the product asks nobody for anything: no address is looked up or connected to but its own machine's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("offline_child.py")
NETWORK = "aiohttp|ftplib|http.client|httpx|paramiko|requests|smtplib|urllib.request|urllib3|websockets"
_IMPORT = re.compile(rf"^\s*(?:import|from) ({NETWORK.replace('.', '[.]')})\b", re.MULTILINE)


def test_only_the_engine_is_asked_for_anything():
    paths = [*ROOT.glob("core/**/*.py"), *ROOT.glob("app/**/*.py")]
    found = {path: _IMPORT.findall(path.read_text(encoding="utf-8")) for path in paths}
    users = {path.relative_to(ROOT).as_posix() for path, names in found.items() if names}
    assert users == {"core/engine/rest/client.py", "core/engine/jvm/reach.py"}, "the client, and why it cannot be had"


def test_a_home_is_used_from_end_to_end_without_a_connection(tmp_path: Path, migrated_database: Path):
    """A dataset, a run with explanations and a report, a scoring; where it can, without a network but loopback."""
    wall = ["unshare", "--map-root-user", "--net"]
    if not shutil.which(wall[0]) or subprocess.run([*wall, "true"], check=False, capture_output=True).returncode:
        wall = []  # what it asks for is seen in any case
    names = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    environ = {name: value for name, value in os.environ.items() if name not in names} | {"PYTHONPATH": str(ROOT)}
    command = [*wall, sys.executable, str(CHILD), str(tmp_path), str(migrated_database)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"runs": 1, "rows": 40, "asked": [], "hook": ["127.0.0.1"]}

"""T04, T23: the product asks nobody for anything: no address is looked up or connected to but its own machine's."""

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.ui.navigation import PAGES
from core.data.datasets.samples import sample_scoring_path, sample_training_path
from tests.browser.driver import new_tab, run_browser, run_server

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


_CONNECT = re.compile(r'connect\(.*sa_family=(AF_\w+)(?:.*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)")?')


def connects(log: Path) -> tuple[Counter[str], list[str]]:
    """Return how often the system was asked to connect, by family, and the addresses that are not this machine's."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "connect(" in line]
    found = [match.groups() for line in lines if (match := _CONNECT.search(line))]
    assert len(found) == len(lines), "each line is understood"
    away = [address for _, address in found if address and not ipaddress.ip_address(address).is_loopback]
    return Counter(family for family, _ in found), away


@pytest.mark.engine
@pytest.mark.browser
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_system_is_asked_for_no_connection_to_another_machine(tmp_path: Path, record_property) -> None:
    """Every process of a training, a scoring, HTTP and all pages, seen by strace: Java and native code too."""
    home, log = tmp_path / "home", tmp_path / "connects"

    def under(name: str) -> tuple[str, ...]:
        # Detached: who is watched stays our own child, so that signals reach it.
        return ("strace", "-f", "-D", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-e", "signal=none",
                "-o", f"{log}.{name}")  # fmt: skip

    environ = {**os.environ, "BELLWETHER_HOME": str(home), "BELLWETHER_H2O_MEMORY": "1g", "BELLWETHER_MIN_FREE": "1m"}
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        del environ[name]
    commands = {
        "train": ["train", "--data", str(sample_training_path()), "--target", "interested", "--experiment", "sample",
                  "--max-models", "2", "--nfolds", "2", "--include-algos", "glm,gbm"],
        "score": ["score", "--data", str(sample_scoring_path()), "--out", str(tmp_path / "out.csv")],
    }  # fmt: skip
    for name, arguments in commands.items():
        command = [*under(name), sys.executable, "-m", "core", *arguments]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, timeout=600)
    env = {"BELLWETHER_H2O_MEMORY": "1g", "BELLWETHER_MIN_FREE": "1m"}
    with run_server(home, under=under("serve"), **env) as server, run_browser() as browser:
        tab = new_tab(browser, server)
        for page in PAGES:
            tab.page.goto(f"{server.url}/{'' if page.name == 'home' else page.name}")
            expect(tab.page.get_by_role("heading", level=1)).to_be_visible(timeout=120_000)
            tab.settle(120)
        tab.page.goto(f"{server.url}/docs")
        tab.page.set_input_files("#file", str(sample_scoring_path()))
        tab.page.click("#send")
        expect(tab.page.locator("#words")).to_contain_text("500 rows scored", timeout=120_000)
    for name in (*commands, "serve"):
        families, away = connects(Path(f"{log}.{name}"))
        record_property(f"connects_{name}", dict(families))
        assert away == [], name
        assert families, "strace saw the connections to our own engine and processes"


def test_a_way_out_would_be_seen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '7 connect(3, {sa_family=AF_INET, sin_port=htons(54321), sin_addr=inet_addr("127.0.0.1")}, 16) = 0\n'
        '7 connect(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = -1 ENOENT (No such file or directory)\n'
        "8 connect(4, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS\n'
        '8 connect(4, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}, 16 <unfinished ...>\n',
        encoding="utf-8",
    )
    families, away = connects(log)
    assert families == {"AF_INET": 2, "AF_UNIX": 1, "AF_INET6": 1}
    assert away == ["2001:db8::1", "192.0.2.1"]

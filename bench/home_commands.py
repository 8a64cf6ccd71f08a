"""Commands at random from a seed in several homes that share an MLflow server, and what each of them changes there."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.shared import StoredRun, stored_runs, touched
from core.data.datasets.samples import sample_scoring_path, sample_training_path
from tests.browser.driver import ROOT, Server, run_server, wait_until

SEED, EXPERIMENT = 16, "shared sample"
_COMMAND_S, _TRAINS_S, _IDLE_S = 600.0, 40, 600.0
# How often each comes up in ten.
_KINDS = ("runs", "leaderboard", "leaderboard", "score", "score", "score", "train", "promote", "history", "reproduce")


def run_commands(
    homes: Sequence[Path], servers: list[Server], stacks: Sequence[ExitStack], environ: dict[str, str], n_commands: int
) -> dict[str, Any]:
    """Run commands in homes whose apps run too; in the middle restart two of them while the third one trains.

    Parameters
    ----------
    stacks : sequence of ExitStack
        What ends each of the servers.

    Returns
    -------
    dict
        How many commands of each kind, what was touched of other homes, and the run that trained during the restart.
    """
    random_ = random.Random(SEED)
    people = _People(homes, environ, random_)
    done: Counter[str] = Counter()
    found: list[str] = []
    during = ""
    kinds = [kind for _ in range(n_commands // len(_KINDS) + 1) for kind in random_.sample(_KINDS, len(_KINDS))]
    for number, kind in enumerate(kinds[:n_commands]):
        if number == n_commands // 2:
            during = people.train_through(lambda: _restart(homes, servers, stacks, environ))
        home = random_.randrange(len(homes))
        before = _when_idle(people.uri)
        named = people.run(home, kind)
        found += [f"{kind} in home {home}: {one}" for one in touched(before, _when_idle(people.uri),
                                                                    people.ids[home], named)]  # fmt: skip
        done[kind] += 1
        sys.stderr.write(f"{number + 1} {kind}\n")
    return {"commands": sum(done.values()), "kinds": dict(done), "touched": found, "trained_through_restart": during}


def _restart(
    homes: Sequence[Path], servers: list[Server], stacks: Sequence[ExitStack], environ: dict[str, str]
) -> None:
    """Restart the apps of all homes but the first."""
    for number in range(1, len(homes)):
        stacks[number].close()
        servers[number] = stacks[number].enter_context(run_server(homes[number], **environ))


def _when_idle(uri: str) -> dict[str, StoredRun]:
    """Return all runs once none is worked on: an app explains what its home has trained after the command has ended."""
    deadline = time.monotonic() + _IDLE_S
    while time.monotonic() < deadline:
        found = stored_runs(uri)
        if not any(_is_busy(one) for one in found.values()):
            return found
        time.sleep(0.5)
    raise TimeoutError("a run is worked on for ever")


def _is_busy(one: StoredRun) -> bool:
    tags = one.run["tags"]
    assert isinstance(tags, dict)
    return one.run["status"] in ("RUNNING", "SCHEDULED") or tags.get("bellwether.explanations") == "computing"


class _People:
    """Run commands; `ids` are the homes' own names in the store."""

    def __init__(self, homes: Sequence[Path], environ: dict[str, str], random_: random.Random) -> None:
        self._homes, self._random = homes, random_
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BELLWETHER_")}
        self._environ, self.uri = {**kept, **environ}, environ["BELLWETHER_MLFLOW_URI"]
        self._seed = 0
        self.ids = [self._id(number) for number in range(len(homes))]

    def _id(self, home: int) -> str:
        """Return a home's name in the store: its first run is made for it."""
        run_id = self.run(home, "train")
        assert run_id is not None
        return stored_runs(self.uri)[run_id].home

    def run(self, home: int, kind: str) -> str | None:
        """Run a command in a home; return the run it was about, if any."""
        work: dict[str, Callable[[int], str | None]] = {
            "runs": self._runs, "leaderboard": self._leaderboard, "score": self._score, "train": self._train,
            "promote": self._promote, "history": self._history, "reproduce": self._reproduce,
        }  # fmt: skip
        return work[kind](home)

    def train_through(self, work: Callable[[], None]) -> str:
        """Do something while the first home trains; return how that run ended."""
        run = self._command(0, *self._training(), "--max-runtime-secs", _TRAINS_S, "--no-wait")
        wait_until(lambda: self._status(run["run_id"]) == "RUNNING", _COMMAND_S, "the training")
        work()
        _when_idle(self.uri)
        return self._status(run["run_id"])

    def _status(self, run_id: str) -> str:
        return str(stored_runs(self.uri)[run_id].run["status"])

    def _training(self) -> tuple[object, ...]:
        self._seed += 1
        return ("train", "--data", sample_training_path(), "--target", "interested", "--experiment", EXPERIMENT,
                "--nfolds", 2, "--seed", self._seed)  # fmt: skip

    def _train(self, home: int) -> str:
        run = self._command(home, *self._training(), "--max-models", 1, "--include-algos", "glm")
        return str(run["run_id"])

    def _runs(self, home: int) -> None:
        if len({run["run_id"] for run in self._command(home, "runs")["runs"]}) < len(self._homes):
            raise ValueError("a home does not list the runs of all")

    def _leaderboard(self, home: int) -> None:
        self._command(home, "leaderboard", "--experiment", EXPERIMENT)

    def _history(self, home: int) -> None:
        self._command(home, "history", "--experiment", EXPERIMENT)

    def _score(self, home: int) -> None:
        out = self._homes[home] / "scored.csv"
        self._command(home, "score", "--data", sample_scoring_path(), "--out", out, "--experiment", EXPERIMENT)

    def _any(self, home: int) -> dict[str, Any]:
        rows = self._command(home, "leaderboard", "--experiment", EXPERIMENT)["rows"]
        found: dict[str, Any] = self._random.choice([row for row in rows if row["can_score"] and not row["champion"]])
        return found

    def _promote(self, home: int) -> str:
        model = self._any(home)
        self._command(home, "promote", model["uri"], "--note", f"by home {home}")
        return str(model["run_id"])

    def _reproduce(self, home: int) -> None:
        out = self._homes[home] / f"reproduced {self._random.random()}"
        self._command(home, "reproduce", self._any(home)["run_id"], "--out", out)

    def _command(self, home: int, *args: object) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "core", *map(str, args)], cwd=ROOT,
            env={**self._environ, "BELLWETHER_HOME": str(self._homes[home])}, capture_output=True, text=True,
            timeout=_COMMAND_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{args}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

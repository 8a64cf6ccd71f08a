"""Homes with finished runs and no Java: the engine in memory behind the real store, queue and scorer."""

import atexit
import copy
import functools
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, app_test

from core.domain.runs import RunInfo
from core.domain.training import TrainingSettings
from core.settings import Settings
from tests.engines.fake import FakeEngine

ROOT = Path(__file__).resolve().parent.parent
SHELL = ROOT / "app" / "ui" / "shell.py"
# Where MLflow writes down in which folder the files are.
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)

# Each AppTest reads what all installed packages say of themselves, for half a second; they stay as they are.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)
# It makes a folder when it is imported, and leaves it to the end of the process, which then warns of it.
atexit.register(app_test.TMP_DIR.cleanup)


# --- data -------------------------------------------------------------------------------------------------------------


def write_customers(path: Path, n_rows: int = 240, *, seed: int = 7, with_target: bool = True) -> Path:
    """Write made-up customers: an id, two numbers, a category, and who buys (the target)."""
    random = np.random.default_rng(seed)
    age, premium = random.integers(18, 80, n_rows), random.normal(500, 80, n_rows).round(2)
    city = random.choice(["Bonn", "Oslo", "Turin"], n_rows)
    buys = (age / 80 + (city == "Oslo") * 0.4 + random.normal(0, 0.2, n_rows)) > 0.85
    lines = ["customer_id,age,city,premium" + (",buys" if with_target else "")]
    for row in range(n_rows):
        cells = [f"{1000 + row}", f"{age[row]}", city[row], f"{premium[row]}"]
        lines.append(",".join([*cells, "yes" if buys[row] else "no"] if with_target else cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run_to_end(services, settings: TrainingSettings, *, explain: bool = True) -> RunInfo:
    """Queue a run, train it here and now, and explain what it kept."""
    from core.training.trainer import Trainer

    run_id = services.jobs.submit(settings)
    trainer = Trainer(services.settings, services.datasets, services.store, services.ledger, services.engine)
    run = trainer.run(run_id, lambda: False)
    if explain:
        for model in services.store.models(run_id=run_id):
            if model.has_files:
                services.explainer.compute(model)
        services.store.update_run(run_id, explanations="done")
    return replace(run, explanations="done" if explain else run.explanations)


@dataclass(frozen=True)
class Home:
    """A home with one dataset and, when asked for, runs on it."""

    services: object
    dataset: object
    runs: tuple[RunInfo, ...]

    def settings(self, **changes: object) -> TrainingSettings:
        """Return the settings of a small binary run."""
        base = TrainingSettings(
            dataset_id=self.dataset.id,
            target="buys",
            experiment="customers",
            task="binary",
            ignored=("customer_id",),
            max_models=3,
            nfolds=2,
            holdout_share=0.2,
        )
        return replace(base, **changes)


def build_services(settings: Settings, database: Path):
    """Build the services of an empty home, with a copy of a database that MLflow has migrated."""
    from core.services import build

    settings.mlruns_dir.mkdir(parents=True, mode=0o700)
    shutil.copy(database, settings.mlruns_dir / "mlflow.db")
    return build(settings, engine=FakeEngine())


def make_home(folder: Path, database: Path, *, n_runs: int, explain: bool = True) -> Home:
    """Make a home in an empty folder."""
    settings = Settings(home=folder / "home", h2o_memory_bytes=1024**3, min_free_bytes=1024**2)
    services = build_services(settings, database)
    source = write_customers(folder / "customers.csv")
    home = Home(services, services.datasets.add(source, source.name), ())
    runs = [run_to_end(services, home.settings(seed=n + 1), explain=explain) for n in range(n_runs)]
    return replace(home, runs=tuple(runs))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Home:
    """A home with one finished, explained run; shared, so a test leaves it as it is."""
    return make_home(tmp_path_factory.mktemp("trained"), migrated_database, n_runs=1)


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> tuple[Path, Home]:
    """A home with one finished run that is not explained, and its folder: to be copied, as nobody works in it."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, make_home(folder, migrated_database, n_runs=1, explain=False)


@pytest.fixture
def own_home(tmp_path: Path, finished_home: tuple[Path, Home]) -> Home:
    """A home with one finished run that is not explained, for a test that changes it; its engine knows the models."""
    from core.services import build

    folder, home = finished_home
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    settings = replace(home.services.settings, home=tmp_path / "home")
    move_artifacts(settings.mlruns_dir / "mlflow.db", str(folder), str(tmp_path))
    # What pages keep of a model is kept by its id, which each copy has.
    st.cache_data.clear()
    st.cache_resource.clear()
    return replace(home, services=build(settings, engine=copy.deepcopy(home.services.engine)))


def move_artifacts(database: Path, old: str, new: str) -> None:
    """Let a copied database name the files that were copied with it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, name in _PLACES:
            connection.execute(f"UPDATE {table} SET {name} = replace({name}, ?, ?)", (old, new))


@pytest.fixture
def fresh_home(tmp_path: Path, migrated_database: Path) -> Home:
    """A home with a dataset and no run."""
    return make_home(tmp_path, migrated_database, n_runs=0)


@pytest.fixture
def shared_home(
    tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Home]]:
    """Make homes that share one MLflow; each has an engine of its own, and the same dataset unless told otherwise."""
    from core.services import build

    monkeypatch.chdir(tmp_path)  # MLflow puts artifacts of a database without a server below the current folder
    shutil.copy(migrated_database, tmp_path / "shared.db")
    source = write_customers(tmp_path / "customers.csv")
    made = []

    def make(name: str, *, has_dataset: bool = True) -> Home:
        uri = f"sqlite:///{tmp_path}/shared.db"
        services = build(
            Settings(home=tmp_path / name, mlflow_uri=uri, min_free_bytes=1024**2, max_queue=2), engine=FakeEngine()
        )
        services.engine.cluster = name
        made.append(services)
        return Home(services, services.datasets.add(source, source.name) if has_dataset else None, ())

    yield make
    for services in made:
        services.engine.release()
        services.jobs.stop()
    for services in made:
        services.jobs.join()


@pytest.fixture
def services(settings: Settings, migrated_database: Path) -> Iterator:
    """The services of a home without anything in it, put into the app."""
    from app.ui.services import set_services

    built = build_services(settings, migrated_database)
    set_services(built)
    yield built
    set_services(None)


@pytest.fixture
def open_page(services, visit) -> Callable[..., AppTest]:
    """Open a page of that home."""
    return functools.partial(visit, services)


@pytest.fixture
def visit() -> Iterator[Callable[..., AppTest]]:
    """Open a page of a home through the shell; keyword arguments are the address's parameters."""
    from app.ui.services import set_services

    def open_(services: object, name: str, **query: str) -> AppTest:
        set_services(services)
        app = AppTest.from_file(str(SHELL), default_timeout=60).run()
        assert not app.exception, app.exception
        app.query_params.update(query)
        app.switch_page(f"../pages/{name}.py").run()
        assert not app.exception, app.exception
        return app

    yield open_
    set_services(None)


@pytest.fixture
def scoring_work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often a file to score is read, and how often all its cells are looked at."""
    from core.data.reading import like
    from core.scoring import opened

    done: Counter[str] = Counter()
    read, check = like.read_file, opened.check
    monkeypatch.setattr(like, "read_file", lambda *args, **how: (done.update(["read"]), read(*args, **how))[1])
    monkeypatch.setattr(opened, "check", lambda *args, **how: (done.update(["checked"]), check(*args, **how))[1])
    return done


def shown(app: AppTest) -> str:
    """Return all words of a page."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(str(item.value) for kind in kinds for item in getattr(app, kind))

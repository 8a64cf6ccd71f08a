"""F16: frames that cannot be learned: refused before the engine starts, or ended with the engine's reason in words."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.datasets.registry import Datasets
from core.domain.training import Task, TrainingSettings
from core.engine.h2o import H2OEngine
from core.errors import AppError
from core.services import Services, build
from core.settings import Settings
from core.training.plan.plan import make_plan

N = 60


def frame(row: Callable[[int], str], n: int = N, header: str = "size,kind,target") -> str:
    return "\n".join([header, *(row(number) for number in range(n))]) + "\n"


def usual(target: Callable[[int], str], n: int = N) -> str:
    return frame(lambda row: f"{row % 7}.5,{'abc'[row % 3]},{target(row)}", n)


REFUSED: dict[str, tuple[str, Task, str]] = {
    "constant target": (usual(lambda _: "same"), "binary", "target.constant"),
    "constant number": (usual(lambda _: "7"), "regression", "target.constant"),
    "one class and gaps": (usual(lambda row: "yes" if row % 2 else ""), "binary", "target.constant"),
    "one row": (usual(lambda _: "yes", 1), "binary", "target.constant"),
    "no target at all": (usual(lambda _: ""), "binary", "target.all_missing"),
    "a class of one row": (usual(lambda row: "rare" if row == 3 else "common"), "binary", "target.rare_class"),
    "codes as target": (
        frame(lambda row: f"{row % 7}.5,A-{row:05d}", header="size,target"),
        "multiclass", "target.rare_class",
    ),
    "free text as target": (
        usual(lambda row: f"a long story of the number {row} with {'many ' * 30} words"),
        "multiclass", "target.is_text",
    ),
    "a date as target": (usual(lambda row: f"2024-01-{row % 28 + 1:02d}"), "multiclass", "target.is_date"),
    "too many classes": (usual(lambda row: f"c{row // 2}", 420), "multiclass", "target.too_many_classes"),
    "words as numbers": (usual(lambda row: "abc"[row % 3]), "regression", "target.not_numeric"),
    "nothing to learn from": (
        frame(lambda row: f"A-{row:05d},{'yes' if row % 2 else 'no'}", header="id,target"),
        "binary", "training.invalid",
    ),
    "no feature that varies": (
        frame(lambda row: f"1,same,{'yes' if row % 2 else 'no'}"), "binary", "training.invalid",
    ),
    "only empty features": (frame(lambda row: f",,{'yes' if row % 2 else 'no'}"), "binary", "training.invalid"),
    "fewer rows than folds": (usual(lambda row: "yes" if row % 2 else "no", 4), "binary", "training.invalid"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=REFUSED.keys())
def test_f16_is_refused_before_the_engine_starts(case: str, settings: Settings, tmp_path: Path) -> None:
    text, task, code = REFUSED[case]
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    datasets = Datasets(settings)
    dataset = datasets.add(path, path.name)
    asked = TrainingSettings(dataset_id=dataset.id, target="target", experiment="f16", task=task)
    with pytest.raises(AppError) as caught:
        make_plan(asked, datasets, settings)
    assert caught.value.code == code
    assert caught.value.hint
    assert not settings.mlruns_dir.exists()


def test_f16_a_file_without_rows_never_becomes_a_dataset(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("size,kind,target\n")
    with pytest.raises(AppError) as caught:
        Datasets(settings).add(path, path.name)
    assert caught.value.code == "file.no_rows"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = Settings(
        home=tmp_path_factory.mktemp("f16") / "home", h2o_memory_bytes=1024**3, h2o_start_timeout_s=60,
        min_free_bytes=1024**2,
    )  # fmt: skip
    built = build(settings, engine=H2OEngine(settings))
    built.jobs.start()
    yield built
    built.close()


ENDED: dict[str, tuple[str, dict[str, object], str, str]] = {
    "too few rows for a forest": (
        usual(lambda row: "yes" if row % 2 else "no", 12),
        {"modeling_plan": ({"name": "GBM", "steps": [{"id": "def_5"}]},)}, "failed", "too small",
    ),
    "an empty feature beside others": (
        frame(lambda row: f"{row % 7},,{'yes' if row % 3 else 'no'}"), {}, "finished", "",
    ),
    "a second for 30 models": (
        usual(lambda row: "yes" if row * 7 % 3 else "no", 100_000),
        {"max_models": 0, "max_runtime_secs": 1, "nfolds": 10, "include_algos": ("DeepLearning",)}, "failed", "in 1 s",
    ),
}  # fmt: skip


@pytest.mark.engine
@pytest.mark.parametrize("case", ENDED, ids=ENDED.keys())
def test_f16_ends_with_words_that_say_what_to_change(case: str, services: Services, tmp_path: Path) -> None:
    text, changes, status, words = ENDED[case]
    path = tmp_path / f"{case}.csv"
    path.write_text(text, encoding="utf-8")
    dataset = services.datasets.add(path, path.name)
    asked = TrainingSettings(
        dataset_id=dataset.id, target="target", experiment="f16", task="binary", nfolds=2, max_models=1,
        include_algos=("GBM",),
    )  # fmt: skip
    run = services.jobs.wait(services.jobs.submit(replace(asked, **changes)), 120)
    assert run.status == status, run.error
    if status == "failed":
        assert run.error
        assert words in run.error["message"]
        assert run.error["hint"]
        assert not {"Exception", "java", "water.", "hex."} & set(run.error["message"].replace(":", " ").split())

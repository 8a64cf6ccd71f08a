"""Comments, approval, promotion and the champion history, over the real store and ledger."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from core.domain.champions import ChampionEntry
from core.errors import (
    AliasMovedError,
    ExperimentNotFoundError,
    ModelError,
    ModelNotFoundError,
    ReviewError,
    SettingsError,
    StoreBusyError,
)
from core.ledger.database import Ledger
from core.review.reviews import MAX_CHARS, Reviews
from core.settings import Settings, load_settings
from core.store.mlflow import Store
from tests.fixtures_runs import Home
from tests.fixtures_store import add_run, make_details

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def models(store: Store, tmp_path: Path):
    """Four models of one run that Ann trained, the first of them the champion without a history."""
    file = tmp_path / "model.bin"
    file.write_bytes(b"mojo")
    run_id = add_run(store, person="Ann")
    ids = [store.add_model(run_id, make_details(f"GBM_{n}", cv_auc=0.9 - n / 100), "binary") for n in range(4)]
    for model_id in ids:
        store.save_model_files(model_id, {"model.bin": file})
    store.set_status(run_id, "finished")
    store.set_champion("sales", store.register(ids[0]))
    return [store.resolve(f"models:/{model_id}") for model_id in ids]


@pytest.fixture
def reviews(settings: Settings, store: Store) -> Reviews:
    return Reviews(settings, store, Ledger(settings.ledger_path))


@pytest.fixture
def strict(settings: Settings, store: Store) -> Reviews:
    return Reviews(replace(settings, four_eyes=True), store, Ledger(settings.ledger_path))


def test_the_history_says_who_made_which_version_the_champion_when_why_and_from_which(reviews, store, models):
    assert reviews.promote(models[1], " cheaper to run ", person="Bob  Jones") == 2
    assert reviews.promote(models[2], "better on the newest month", person="Cid", instead_of=2) == 3
    newest, before = reviews.history("sales")
    assert (newest.version, newest.from_version, newest.model_id) == (3, 2, models[2].id)
    assert (newest.person, newest.why, newest.automatic) == ("Cid", "better on the newest month", False)
    assert (before.person, before.why, before.from_version) == ("Bob Jones", "cheaper to run", 1)
    assert newest.at > before.at
    assert store.champion("sales").id == models[2].id
    line = reviews._ledger.entries(action="promote", limit=1)[0]
    assert line.detail == {"model": models[2].uri, "before": models[1].uri, "note": "better on the newest month"}


def test_rolling_back_promotes_the_version_before(reviews, store, models):
    reviews.promote(models[1], "cheaper")
    (entry,) = reviews.history("sales")
    assert reviews.roll_back_to(entry).id == models[0].id
    reviews.promote(reviews.roll_back_to(entry), "Roll back to version 1", person="Ann")
    assert store.champion("sales").id == models[0].id
    assert [one.version for one in reviews.history("sales")] == [1, 2]
    with pytest.raises(ModelNotFoundError):
        reviews.roll_back_to(replace(entry, from_version=None))


def test_the_leader_of_the_first_run_stands_in_the_history_as_automatic(own_home: Home):
    (entry,) = own_home.services.reviews.history("customers")
    assert (entry.version, entry.automatic, entry.person, entry.from_version) == (1, True, "", None)
    assert entry.model_id == own_home.runs[0].leader_id


def test_an_alias_that_somebody_moved_meanwhile_is_left_where_it_is(reviews, store, models):
    reviews.promote(models[1], "cheaper", instead_of=1)
    with pytest.raises(AliasMovedError, match="Version 2 is the champion of sales now; it was version 1") as caught:
        reviews.promote(models[2], "better", instead_of=1)
    assert (caught.value.now, caught.value.seen) == (2, 1)
    assert store.champion("sales").id == models[1].id
    assert [entry.version for entry in reviews.history("sales")] == [2]
    assert store.resolve(models[2].uri).version is None  # no version was made for it


def test_nothing_is_written_down_when_the_alias_moves_between_the_look_and_the_change(
    reviews, store, models, monkeypatch
):
    real = store.set_champion

    def moved(experiment, version, **options):
        real(experiment, store.register(models[3].id))  # by another tool
        return real(experiment, version, **options)

    monkeypatch.setattr(store, "set_champion", moved)
    with pytest.raises(AliasMovedError):
        reviews.promote(models[1], "cheaper")
    assert reviews.history("sales") == ()
    assert reviews._ledger.entries(action="promote") == ()
    assert store.champion("sales").id == models[3].id


def test_of_four_people_who_promote_at_once_one_wins_and_the_others_are_told(settings, reviews, store, models):
    barrier = Barrier(3)

    def promote(model):
        mine = Reviews(settings, Store(settings), Ledger(settings.ledger_path))
        mine._store.check()
        barrier.wait(30)
        try:
            return mine.promote(model, "mine", person=model.id, instead_of=1)
        except AliasMovedError as error:
            return error

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(promote, models[1:]))
    (won,) = (one for one in found if isinstance(one, int))
    assert sum(isinstance(one, AliasMovedError) for one in found) == 2
    assert store.champion("sales").version == won
    assert [(entry.version, entry.from_version) for entry in reviews.history("sales")] == [(won, 1)]


PROMOTE = """
import sys
from core.errors import AliasMovedError
from core.ledger.database import Ledger
from core.review.reviews import Reviews
from core.settings import Settings, load_settings
from core.store.mlflow import Store
from pathlib import Path
settings = Settings(home=Path(sys.argv[1]))
reviews = Reviews(settings, Store(settings), Ledger(settings.ledger_path))
model = reviews._store.resolve(sys.argv[2])
reviews._store.check()
print("ready", flush=True)
sys.stdin.readline()
try:
    print(reviews.promote(model, "mine", person=sys.argv[2], instead_of=1))
except AliasMovedError as error:
    print(error.code)
"""


@pytest.mark.slow
def test_of_two_processes_one_wins_and_the_other_is_told(settings, reviews, store, models):
    command = [sys.executable, "-c", PROMOTE, str(settings.home)]
    started = [
        subprocess.Popen(
            [*command, model.uri], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for model in models[1:3]
    ]  # fmt: skip
    assert [process.stdout.readline() for process in started] == ["ready\n", "ready\n"]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].strip() for process in started]
    (won,) = (word for word in said if word.isdigit())
    assert sorted(said) == sorted([won, "model.alias_moved"])
    assert store.champion("sales").version == int(won)
    assert len(reviews.history("sales")) == 1


def test_an_alias_that_another_tool_moved_stands_in_the_history_as_moved_outside(reviews, store, models):
    reviews.promote(models[1], "cheaper", person="Bob")
    store._mlflow.client.set_registered_model_alias("sales", "champion", "1")
    moved, known = reviews.history("sales")
    assert (moved.version, moved.from_version, moved.outside, moved.model_id) == (1, 2, True, models[0].id)
    assert moved.why.startswith("Moved outside Bellwether, after ")
    assert (known.version, known.person, known.outside) == (2, "Bob", False)
    reviews.promote(models[2], "better")  # what was moved between stays in the history
    assert [(one.version, one.from_version, one.outside) for one in reviews.history("sales")] == [
        (3, 1, False), (1, 2, True), (2, 1, False),
    ]  # fmt: skip


@pytest.fixture
def shared(settings: Settings, store: Store) -> Store:
    """The same store as homes share it."""
    return Store(replace(settings, mlflow_uri=f"sqlite:///{settings.mlruns_dir}/mlflow.db"))


@pytest.mark.slow
def test_homes_that_share_a_store_have_one_history(settings, shared, models, tmp_path):
    ours = Reviews(settings, shared, Ledger(settings.ledger_path))
    theirs = Reviews(settings, shared, Ledger(tmp_path / "their.db"))
    ours.promote(models[1], "x" * 5000, person="Ann")
    theirs.promote(models[2], "better", person="Bob")
    seen = [[(one.version, one.from_version, one.person) for one in home.history("sales")] for home in (ours, theirs)]
    assert seen == [[(3, 2, "Bob"), (2, 1, "Ann")]] * 2
    assert ours.history("sales")[1].why == "x" * 5000
    assert theirs.history("sales")[1].why == "x" * 1999 + "…"


@pytest.mark.slow
def test_a_promotion_that_was_broken_off_is_waited_for_and_then_passed(shared, models):
    def entry(version: int, **changes) -> ChampionEntry:
        return ChampionEntry(
            experiment="sales", version=version, model_id=models[version - 1].id,
            **{"at": datetime.now(UTC), "from_version": 1, **changes},
        )  # fmt: skip

    for model in models[1:]:
        shared.register(model.id)
    first = entry(2)
    shared._promotions("sales").take(first)  # and then its home dies
    with pytest.raises(StoreBusyError, match="Version 2 is being made the champion of sales right now"):
        shared.set_champion("sales", 3, instead_of=1, entry=entry(3))
    assert shared.champion_version("sales") == 1
    shared.set_champion("sales", 2, instead_of=1, entry=first)  # the same once more, after the server was away
    assert [one.version for one in shared.promotions("sales")] == [2]
    shared._promotions("sales").take(entry(4, from_version=2, at=datetime.now(UTC) - timedelta(minutes=2)))
    shared.set_champion("sales", 3, instead_of=2, entry=entry(3, from_version=2))
    assert [one.version for one in shared.promotions("sales")] == [3, 2]
    late = shared._promotions("sales")
    shared.set_champion("sales", 1, instead_of=3)
    with pytest.raises(AliasMovedError, match="Version 1 is the champion of sales now"):
        late.take(entry(4, from_version=3))


@pytest.mark.parametrize("why", ["", "  \n "])
def test_a_promotion_without_a_reason_is_refused(reviews, store, models, why):
    with pytest.raises(ReviewError) as caught:
        reviews.promote(models[1], why)
    assert caught.value.code == "review.why"
    assert store.champion("sales").id == models[0].id


def test_a_model_without_files_is_neither_promoted_nor_reviewed(reviews, store, models):
    bare = replace(models[1], has_files=False)
    for act in (
        lambda: reviews.promote(bare, "better"),
        lambda: reviews.challenge(bare),
        lambda: reviews.approve(bare, "good", person="Ann"),
    ):
        with pytest.raises(ModelError) as caught:
            act()
        assert caught.value.code == "model.no_files"


def test_an_experiment_that_never_was_has_no_history(reviews, models):
    assert reviews.history("sales") == ()
    with pytest.raises(ExperimentNotFoundError):
        reviews.history("../sales")


# --- comments and decisions -------------------------------------------------------------------------------------------


def test_a_thread_keeps_what_was_said_and_the_newest_decision_counts(reviews, models):
    model = models[1]
    assert (reviews.of_model(model).state, reviews.of_model(model).thread) == ("open", ())
    reviews.comment(model, "Looks **fine** to me, @Bob?", person="Ann")
    assert reviews.of_model(model).state == "open"
    for state, act in (("proposed", reviews.propose), ("approved", reviews.approve), ("rejected", reviews.reject)):
        act(model, f"why {state}", person="Bob")
        reviews.comment(model, "ok")
        found = reviews.of_model(model)
        assert (found.state, found.decision.text, found.decision.person) == (state, f"why {state}", "Bob")
    assert [entry.kind for entry in found.thread] == [
        "comment", "proposed", "comment", "approved", "comment", "rejected", "comment",
    ]  # fmt: skip
    assert found.thread[0].text == "Looks **fine** to me, @Bob?"
    assert reviews.of_model(models[2]).thread == ()


def test_a_run_has_a_thread_of_its_own(reviews, models):
    run_id = models[0].run_id
    reviews.comment_run(run_id, "more trees next time", person="Ann")
    (entry,) = reviews.of_run(run_id)
    assert (entry.text, entry.person, entry.experiment) == ("more trees next time", "Ann", "sales")
    assert reviews.of_model(models[0]).thread == ()


def test_a_comment_of_10000_characters_is_kept_and_a_longer_one_refused_with_the_limit(reviews, models):
    reviews.comment(models[0], "é" * MAX_CHARS)
    assert reviews.of_model(models[0]).thread[0].text == "é" * 10_000
    with pytest.raises(ReviewError, match=r"10,001 characters; at most 10,000") as caught:
        reviews.comment(models[0], "x" * (MAX_CHARS + 1))
    assert caught.value.code == "review.too_long"
    assert len(reviews.of_model(models[0]).thread) == 1


def test_nobody_decides_without_a_name(reviews, models):
    for act in (reviews.propose, reviews.approve, reviews.reject):
        with pytest.raises(ReviewError) as caught:
            act(models[0], "why", person=" ")
        assert caught.value.code == "review.who"
    with pytest.raises(ReviewError):
        reviews.comment(models[0], "x", person="n" * 101)


# --- four eyes --------------------------------------------------------------------------------------------------------


def test_with_four_eyes_only_what_somebody_else_approved_is_promoted(strict, store, models):
    model = models[1]

    def refusal(person: str) -> str:
        with pytest.raises(ReviewError) as caught:
            strict.promote(model, "better", person=person)
        assert store.champion("sales").id == models[0].id
        assert caught.value.hint
        return f"{caught.value.code}: {caught.value.message}"

    assert refusal("").startswith("review.who")
    assert "it is open" in refusal("Bob")
    strict.approve(model, "fine", person="bob ")
    assert "bob approved this model" in refusal("Bob")
    strict.approve(model, "I trained it", person="ANN")
    assert "ANN trained this model" in refusal("Bob")
    strict.approve(model, "checked", person="Cid")
    strict.reject(model, "not after all", person="Dan")
    assert "it is rejected" in refusal("Bob")
    strict.approve(model, "checked again", person="Cid")
    assert strict.promote(model, "better", person="Bob") == 2
    assert strict.history("sales")[0].approved_by == "Cid"


def test_without_four_eyes_an_approval_is_noted_all_the_same(reviews, models):
    reviews.approve(models[1], "fine", person="Cid")
    reviews.promote(models[1], "better", person="Cid")
    assert reviews.history("sales")[0].approved_by == "Cid"


# --- challenger -------------------------------------------------------------------------------------------------------


def test_a_challenger_is_named_found_and_becomes_the_champion(reviews, store, models):
    assert store.challenger("sales") is None
    assert reviews.challenge(models[1], person="Ann") == 2
    found = store.challenger("sales")
    assert (found.id, found.is_challenger, found.is_champion) == (models[1].id, True, False)
    assert store.resolve("models:/sales@challenger") == found
    reviews.challenge(models[2])
    assert store.challenger("sales").id == models[2].id
    reviews.promote(store.challenger("sales"), "won")
    assert (store.champion("sales").id, store.challenger("sales")) == (models[2].id, None)
    with pytest.raises(ModelError) as caught:
        reviews.challenge(store.champion("sales"))
    assert caught.value.code == "model.is_champion"
    reviews.challenge(models[1])
    reviews.withdraw_challenger("sales")
    reviews.withdraw_challenger("sales")
    assert store.challenger("sales") is None


def test_a_setting_that_is_neither_on_nor_off_is_refused():
    with pytest.raises(SettingsError, match="BELLWETHER_FOUR_EYES='maybe'"):
        load_settings({"BELLWETHER_FOUR_EYES": "maybe"})
    assert not load_settings({"BELLWETHER_FOUR_EYES": "off"}).four_eyes

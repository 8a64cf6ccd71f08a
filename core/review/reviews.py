"""Comments, approval, and which model is the champion: who decided what, when and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from core.domain.champions import ChampionEntry
from core.domain.models import ModelInfo
from core.errors import AliasMovedError, ExperimentNotFoundError, ModelError, ModelNotFoundError, ReviewError
from core.ledger.champions import ChampionTable
from core.ledger.database import Ledger
from core.ledger.reviews import ReviewEntry, ReviewTable, Said
from core.settings import Settings
from core.store.mlflow import Store
from core.wording import time_text

MAX_CHARS: Final = 10_000
MAX_NAME: Final = 100
ReviewState = Literal["open", "proposed", "approved", "rejected"]


@dataclass(frozen=True)
class Review:
    """Where a model stands with its team.

    Attributes
    ----------
    state : str
        ``open`` until somebody proposes, approves or rejects it; the newest of these counts.
    decision : ReviewEntry or None
        The entry that made the state.
    thread : tuple of ReviewEntry
        Everything that was said, the oldest first.
    """

    state: ReviewState
    decision: ReviewEntry | None
    thread: tuple[ReviewEntry, ...]


class Reviews:
    """What people say about runs and models, and promotion.

    Every method may raise `StoreError` kin. What writes raises `ReviewError` where words or a name are missing
    (``review.why``, ``review.who``) or too long (``review.too_long``).
    """

    def __init__(self, settings: Settings, store: Store, ledger: Ledger) -> None:
        self._settings = settings
        self._store = store
        self._ledger = ledger
        self._table = ReviewTable(ledger)
        self._champions = ChampionTable(ledger)

    # --- what is said -------------------------------------------------------------------------------------------------

    def of_model(self, model: ModelInfo) -> Review:
        """Return where a model stands, with all that was said of it."""
        thread = self._table.list(_model(model))
        decision = next((entry for entry in reversed(thread) if entry.kind != "comment"), None)
        return Review(_state(decision), decision, thread)

    def of_run(self, run_id: str) -> tuple[ReviewEntry, ...]:
        """Return what was said of a run, the oldest first."""
        return self._table.list(f"run:{self._store.get_run(run_id).run_id}")

    def comment(self, model: ModelInfo, text: str, *, person: str = "") -> None:
        """Say something about a model, in Markdown of at most `MAX_CHARS` characters."""
        self._say(model, "comment", text, person)

    def comment_run(self, run_id: str, text: str, *, person: str = "") -> None:
        """Say something about a run."""
        run = self._store.get_run(run_id)
        words, name = check_words(text), check_person(person)
        self._table.add(run.experiment, f"run:{run.run_id}", "comment", words, person=name)

    def propose(self, model: ModelInfo, why: str, *, person: str) -> None:
        """Ask the team to approve a model."""
        self._decide(model, "proposed", why, person)

    def approve(self, model: ModelInfo, why: str, *, person: str) -> None:
        """Approve a model, so that it may become the champion."""
        self._decide(model, "approved", why, person)

    def reject(self, model: ModelInfo, why: str, *, person: str) -> None:
        """Reject a model; an approval of before does not count any more."""
        self._decide(model, "rejected", why, person)

    def _decide(self, model: ModelInfo, kind: Said, why: str, person: str) -> None:
        if not person.strip():
            raise ReviewError("Whoever decides has to say who they are.", hint="Add your name.", code="review.who")
        if not model.has_files:
            raise _no_files()
        self._say(model, kind, why, person)

    def _say(self, model: ModelInfo, kind: Said, text: str, person: str) -> None:
        self._table.add(model.experiment, _model(model), kind, check_words(text), person=check_person(person))

    # --- champion and challenger --------------------------------------------------------------------------------------

    def history(self, experiment: str) -> tuple[ChampionEntry, ...]:
        """Return the champions that an experiment had, in all homes that share its store, the newest first.

        Where the alias was moved by another tool, which leaves nothing but the result, an entry says so.
        ExperimentNotFoundError where there is no such experiment and never was a champion of it.
        """
        own = {(entry.version, entry.at): entry for entry in self._champions.list(experiment)}
        # Of what stands in both, the own entry has all words; what stands here alone is of before homes shared a store.
        everybody = [own.pop((entry.version, entry.at), entry) for entry in self._store.promotions(experiment)]
        everybody += own.values()
        if not everybody and not self._store.list_runs(experiment=experiment, archived=None, limit=1):
            raise ExperimentNotFoundError(f"There is no experiment {experiment!r}.")
        found = [entry if entry.model_id else self._with_model(entry) for entry in everybody]
        return tuple(self._with_moves_outside(experiment, found))

    def promote(
        self, model: ModelInfo, why: str, *, person: str = "", instead_of: int | Literal["any"] | None = "any"
    ) -> int:
        """Make a stored model the champion of its experiment and write down who did it and why.

        Parameters
        ----------
        model : ModelInfo
            Any model whose files were kept.
        instead_of : int or None, optional
            The version that was the champion when the person decided; None for none.

        Returns
        -------
        int
            The registered version that is the champion now.

        Raises
        ------
        ModelError
            If the model's files were not stored (``model.no_files``), so that it could not score.
        AliasMovedError
            If somebody else has promoted another one meanwhile; nothing is changed then.
        ReviewError
            ``review.needs_approval`` where the setting `four_eyes` asks for an approval that is not there.
        """
        if not model.has_files:
            raise _no_files()
        words, name = check_words(why), check_person(person)
        approved_by = self._approval(model, name)
        now = self._store.champion_version(model.experiment)
        # Checked again while the alias moves; said before a version is made for it.
        if instead_of != "any" and instead_of != now:
            raise AliasMovedError(model.experiment, now, instead_of)
        version = self._store.register(model.id)
        entry = ChampionEntry(
            experiment=model.experiment, version=version, model_id=model.id, at=datetime.now(UTC), person=name,
            why=words, approved_by=approved_by,
            from_version=self._store.foreign_champion(model.experiment) if now is None else now,
        )  # fmt: skip
        before = self._model_of(model.experiment, now) if now else ""
        detail = {"model": model.uri, "before": f"models:/{before}" if before else None, "note": words}
        with self._champions.adding(entry, detail):
            self._store.set_champion(model.experiment, version, instead_of=now, entry=entry)
        return version

    def roll_back_to(self, entry: ChampionEntry) -> ModelInfo:
        """Return the model that was the champion before an entry of the history.

        ModelNotFoundError if there was none, or it has been deleted.
        """
        if entry.from_version is None:
            raise ModelNotFoundError("There was no champion before this one.", hint="Promote another model instead.")
        return self._store.resolve(f"models:/{entry.experiment}/{entry.from_version}")

    def challenge(self, model: ModelInfo, *, person: str = "") -> int:
        """Make a stored model the challenger of its experiment; returns its version."""
        if not model.has_files:
            raise _no_files()
        if model.is_champion:
            raise ModelError(
                "The champion cannot be its own challenger.", hint="Choose another model.", code="model.is_champion"
            )
        version = self._store.register(model.id)
        self._store.set_challenger(model.experiment, version)
        subject = f"models:/{model.experiment}/{version}"
        self._ledger.record("challenger", subject, person=check_person(person), detail={"model": model.uri})
        return version

    def withdraw_challenger(self, experiment: str, *, person: str = "") -> None:
        """Let an experiment have no challenger."""
        self._store.set_challenger(experiment, None)
        self._ledger.record("no challenger", experiment, person=check_person(person))

    def _with_moves_outside(self, experiment: str, found: Sequence[ChampionEntry]) -> Iterator[ChampionEntry]:
        """Yield the entries, newest first, and one wherever the next begins with another version than this made."""
        now = self._store.champion_version(experiment) or self._store.foreign_champion(experiment)
        then, until = now, datetime.now(UTC)
        for entry in found:
            if then is not None and then != entry.version:
                yield ChampionEntry(
                    experiment=experiment, version=then, model_id=self._model_of(experiment, then), at=until,
                    from_version=entry.version, outside=True,
                    why=f"Moved outside Bellwether, after {time_text(entry.at)}",
                )  # fmt: skip
            yield entry
            then, until = entry.from_version, entry.at

    def _with_model(self, entry: ChampionEntry) -> ChampionEntry:
        return replace(entry, model_id=self._model_of(entry.experiment, entry.version))

    def _model_of(self, experiment: str, version: int) -> str:
        try:
            return self._store.resolve(f"models:/{experiment}/{version}").id
        except ModelNotFoundError:  # deleted since
            return ""

    def _approval(self, model: ModelInfo, person: str) -> str:
        """Return who approved a model; ReviewError where the team wants that to be somebody else and it is not."""
        decision = self._table.decision(_model(model))
        approved_by = decision.person if decision is not None and decision.kind == "approved" else ""
        if not self._settings.four_eyes:
            return approved_by
        if not person:
            raise ReviewError(
                "Here a promotion needs two people, so whoever promotes has to say who they are.",
                hint="Add your name (on the command line: --person).", code="review.who",
            )  # fmt: skip
        trained_by = self._store.get_run(model.run_id).person
        if not approved_by:
            fault = f"This model needs the approval of somebody else before it is promoted; it is {_state(decision)}."
        elif _same(approved_by, person):
            fault = f"{approved_by} approved this model, so somebody else has to promote it, or to approve it too."
        elif _same(approved_by, trained_by):
            fault = f"{approved_by} trained this model, so the approval has to be by somebody else."
        else:
            return approved_by
        raise ReviewError(
            fault,
            hint="Ask a colleague to approve it: under the model on the Leaderboard, or by `python -m core review`.",
            code="review.needs_approval",
        )


def check_words(text: str) -> str:
    """Return what a person wrote, without blanks around it; ReviewError if it is empty or too long."""
    words = text.strip()
    if not words:
        raise ReviewError("Some words are needed here.", hint="Say why, in a few words.", code="review.why")
    if len(words) > MAX_CHARS:
        raise ReviewError(
            f"This text has {len(words):,} characters; at most {MAX_CHARS:,} are kept.",
            hint="Shorten it, or put the rest into a document and link to it.",
            code="review.too_long",
        )
    return words


def check_person(person: str) -> str:
    """Return a person's name in one line, which may be empty; ReviewError if it is too long."""
    name = " ".join(person.split())
    if len(name) > MAX_NAME:
        raise ReviewError(
            f"This name has {len(name):,} characters; at most {MAX_NAME} are kept.",
            hint="Use a shorter name.", code="review.too_long",
        )  # fmt: skip
    return name


def _state(decision: ReviewEntry | None) -> ReviewState:
    return "open" if decision is None or decision.kind == "comment" else decision.kind


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _model(model: ModelInfo) -> str:
    return f"model:{model.id}"


def _no_files() -> ModelError:
    return ModelError(
        "This model's files were not stored, so it cannot score.",
        hint="Choose one of the models marked as stored: the leader and the next five of each run.",
        code="model.no_files",
    )

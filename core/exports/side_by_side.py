"""Several models on one file: their results side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from core.domain.models import ModelInfo
from core.errors import DataError
from core.exports.answers import answer
from core.exports.tables import write_table
from core.scoring.columns import side_by_side
from core.scoring.result import Keep, Scored

MAX_MODELS: Final = 5


@dataclass(frozen=True)
class SideBySide:
    """What several models say of the rows of one file.

    Attributes
    ----------
    results : mapping of str to Scored
        By the name under which each model was asked for, in the order asked; at least one.
    """

    results: Mapping[str, Scored]

    @property
    def first(self) -> Scored:
        """The result of the model that was asked for first; the file's own columns come from it."""
        return next(iter(self.results.values()))

    def table(self, *, as_text: bool, keep: Keep = "all") -> pa.Table:
        """Return the file's own columns, then each model's: ``prediction_MODEL``, ``probability_CLASS_MODEL``.

        With one model it is `Scored.table`.
        """
        if len(self._different()) == 1:
            return self.first.table(as_text=as_text, keep=keep)
        return self._joined().table(as_text=as_text, keep=keep)

    def answer(self, shape: str | None = None) -> object:
        """Return ``{MODEL: answer}``, each answer as `core.exports.answers.answer` gives it for one model."""
        return {name: answer(scored, shape) for name, scored in self.results.items()}

    def summary(self) -> dict[str, str]:
        """Return what a reader of the file must know, each line with its model."""
        return {
            f"{model_label(scored.model)}: {about}": value
            for scored in self._different()
            for about, value in scored.summary().items()
        }

    def save(self, path: Path, *, keep: Keep = "all") -> None:
        """Write the table to a file by its suffix (csv, xlsx, json, parquet)."""
        write_table(self.table(as_text=path.suffix == ".csv", keep=keep), path, summary=self.summary())

    def _different(self) -> Sequence[Scored]:
        """Return one result per model: two names may mean the same."""
        return tuple({scored.model.id: scored for scored in self.results.values()}.values())

    def _joined(self) -> Scored:
        return replace(self.first, results=side_by_side([_named(scored) for scored in self._different()]))


def _named(scored: Scored) -> pa.Table:
    label = model_label(scored.model)
    return scored.results.rename_columns([f"{name}_{label}" for name in scored.results.column_names])


def model_label(model: ModelInfo) -> str:
    """Return what columns of a comparison call a model: experiment and version, or the id of one without a version."""
    return f"{model.experiment}_v{model.version}" if model.version else model.id


def compare_on(results: Mapping[str, Scored]) -> SideBySide:
    """Set results of one file side by side.

    DataError if the models read another number of rows out of it, because their training data was read differently.
    """
    counts = {name: scored.n_rows for name, scored in results.items()}
    if len(set(counts.values())) > 1:
        raise DataError(
            "The models read different numbers of rows from the file: "
            + ", ".join(f"{name} {count:,}" for name, count in counts.items())
            + ".",
            hint="Ask for one model at a time: their training data was read in different ways.",
            code="predict.rows_differ",
        )
    return SideBySide(results)

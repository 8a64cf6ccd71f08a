"""Models in the process that scores: opened after their bytes were checked, the ones used last kept."""

import hashlib
import threading
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import jpype
import numpy as np
import pyarrow as pa
from cachetools import LRUCache, cachedmethod

from core.domain.aliases import plain_name
from core.engine.encoded import BIAS, fold_contributions
from core.engine.mojo.child import java
from core.engine.mojo.child.java import Matrix
from core.errors import EngineError, ModelIncompatibleError, ModelIntegrityError, ModelNotFoundError

MAX_MODELS: Final = 16
_KEPT_SHARE: Final = 4  # a fourth of the heap, as files; in memory they take up to twice as much
_CELLS_AT_ONCE: Final = 4_000_000
_GLM: Final = "hex.genmodel.algos.glm.GlmMojoModel"
_GLM_BASE: Final = "hex.genmodel.algos.glm.GlmMojoModelBase"
_ENSEMBLE: Final = "hex.genmodel.algos.ensemble.StackedEnsembleMojoModel"
_MEMBER: Final = f"{_ENSEMBLE}$StackedEnsembleMojoSubModel"

_ADDS_UP: Final = 1e-4  # XGBoost's numbers are in single precision

_Touched = tuple[int, ...]


class Models:
    """Opens MOJOs and keeps those that were used last: at most 16, fewer when they are large.

    Parameters
    ----------
    max_bytes : int
        What the kept ones may have together, by the size of their unpacked files.
    """

    def __init__(self, max_bytes: int) -> None:
        def size(model: Model) -> int:
            return max(min(model.n_bytes, max_bytes), max_bytes // MAX_MODELS)

        self._kept: LRUCache[tuple[str, str, _Touched], Model] = LRUCache(max_bytes, getsizeof=size)
        self._changed = threading.Condition()

    @classmethod
    def of_heap(cls) -> "Models":
        """Return one that keeps as many as the JVM's heap is good for."""
        return cls(java.heap_bytes() // _KEPT_SHARE)

    def open(self, path: str, sha256: str) -> "Model":
        """Return a model; its file is read and checked again when it was touched.

        Raises
        ------
        ModelNotFoundError, ModelIntegrityError, ModelIncompatibleError
            If the file is not there, not the one that was saved, or not for this H2O.
        """
        try:
            seen = Path(path).stat()
            # A program may set the time of a change back, but not the time at which it did.
            return self._open(path, sha256, (seen.st_ctime_ns, seen.st_mtime_ns, seen.st_size, seen.st_ino))
        except FileNotFoundError as error:
            raise ModelNotFoundError("The model's file is not there any more.") from error

    @cachedmethod(lambda self: self._kept, condition=lambda self: self._changed)
    def _open(self, path: str, sha256: str, touched: _Touched) -> "Model":
        return read_model(_read(path, sha256), partial(_read, path, sha256))


class Model:
    """One model; any thread may ask.

    Parameters
    ----------
    mojo : hex.genmodel.MojoModel
        As H2O's runtime reads it.
    n_bytes : int
        About how much memory it takes.
    """

    def __init__(self, mojo: Any, n_bytes: int) -> None:
        self._mojo = mojo
        self.n_bytes = n_bytes
        self.names = tuple(str(name) for name in mojo.getNames()[: mojo.nfeatures()])
        domains = [mojo.getDomainValues(place) for place in range(len(self.names))]
        self._levels = [None if found is None else [str(level) for level in found] for found in domains]
        self._codes = [
            None if found is None else {level: code for code, level in enumerate(found)} for found in self._levels
        ]
        self._plain = tuple(map(plain_name, self.names))
        self._needed = _needed(mojo, self.names)
        self._outputs: tuple[str, ...] = ("predict",)
        if mojo.isClassifier():
            self._outputs = tuple(plain_name(str(name)) for name in mojo.getDomainValues(mojo.getResponseIdx()))

    def predict(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return one float64 column per class, named like the class, or ``predict`` for a number."""
        found = java.score(self._mojo, self._matrix(rows))
        first = int(self._mojo.isClassifier())  # the label's place comes before the classes
        return _batch(found[:, first : first + len(self._outputs)], self._outputs)

    def contributions(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return what each feature adds to the link-scale prediction, and ``BiasTerm``.

        TreeSHAP for trees; for a GLM its terms, coefficient times value, whose bias is the intercept.
        EngineError for other models.
        """
        return self.explain(self._matrix(rows)).combine_chunks().to_batches()[0]

    def explain(self, matrix: Matrix) -> pa.Table:
        """Return the contributions to rows in the model's own numbers."""
        if self.is_linear:
            return pa.Table.from_batches([_batch(_terms(self._mojo, matrix), (*self.names, BIAS))])
        if not self.has_contributions:
            raise EngineError("H2O's MOJO runtime computes contributions of trees and of GLMs only.")
        predictor = self._mojo.makeContributionsPredictor()
        names = [str(name) for name in predictor.getContributionNames()]
        levels = {name: tuple(known or ()) for name, known in zip(self.names, self._levels, strict=True)}
        step, folded = max(1, _CELLS_AT_ONCE // len(names)), []  # XGBoost has a column for each level
        for start in range(0, len(matrix), step):
            found = java.contributions(predictor, matrix[start : start + step], len(names)).astype(np.float64)
            folded.append(fold_contributions(pa.table(list(found.T), names=names), levels))
        return pa.concat_tables(folded)

    @property
    def is_linear(self) -> bool:
        """Whether its contributions are terms."""
        return java.is_a(self._mojo, _GLM)

    @property
    def has_contributions(self) -> bool:
        """Whether it has any here."""
        return self.is_linear or java.is_a(self._mojo, "hex.genmodel.PredictContributionsFactory")

    def _matrix(self, rows: pa.RecordBatch) -> Matrix:
        found = np.empty((rows.num_rows, len(self.names)))
        for place, (name, plain, codes) in enumerate(zip(self.names, self._plain, self._codes, strict=True)):
            is_there = name in self._needed or plain in rows.schema.names
            found[:, place] = _numbers(rows, plain, codes) if is_there else np.nan
        return found


def read_model(data: bytes, read: Callable[[], bytes] | None = None) -> Model:
    """Return the model of a MOJO file's bytes (ModelIncompatibleError if it is not for this H2O).

    Parameters
    ----------
    read : callable, optional
        Returns the bytes again; an ensemble keeps them otherwise.
    """
    about, n_bytes = _look_into(data)
    try:
        # Reading the metadata takes longer than all the rest; the contributions of a DRF need it.
        mojo = java.read_mojo(data, with_metadata=about.get("algo") == "drf")
        if java.is_a(mojo, _ENSEMBLE):
            return EnsembleModel(mojo, n_bytes, about, read or (lambda: data))
        return Model(mojo, n_bytes)
    except jpype.JException as error:
        version = about.get("h2o_version", "of an unknown version")
        raise ModelIncompatibleError(
            f"H2O's MOJO runtime cannot open the model file, which was written by H2O {version}: {error.message()}"
        ) from error


@dataclass(frozen=True)
class WeightedMember:
    """A member of an ensemble that counts: its model's key, H2O's name of its algorithm, the metalearner's weight."""

    key: str
    algo: str
    weight: float


class EnsembleModel(Model):
    """A stacked ensemble, whose members may be asked each for itself.

    Parameters
    ----------
    about : dict of str to str
        What its file says of itself.
    read : callable
        Returns the bytes of its file.
    """

    def __init__(self, mojo: Any, n_bytes: int, about: dict[str, str], read: Callable[[], bytes]) -> None:
        super().__init__(mojo, n_bytes)
        self._about = about
        self._read = read

    @cached_property
    def intercept(self) -> float:
        """What the metalearner adds to the weighted members."""
        return float(self._coefficients[-1])

    @cached_property
    def members(self) -> tuple[WeightedMember, ...]:
        """The members that count; none where the metalearner is no GLM of one number."""
        if not java.is_a(self._metalearner, _GLM):
            return ()
        submodels = _submodels(self._mojo)
        keys = [str(name) for name in self._metalearner.getNames()[: len(submodels)]]
        folders = {
            value: self._about[name.replace("key", "dir")] for name, value in self._about.items() if "_key_" in name
        }
        return tuple(
            WeightedMember(key, folders[key].split("/")[1], float(weight))
            for key, weight, found in zip(keys, self._coefficients, submodels, strict=False)
            if found is not None and weight
        )

    def member(self, key: str) -> Model:
        """Return the model of one of `members` (EngineError for others)."""
        if key not in self._opened:
            raise EngineError(f"The ensemble has no member {key!r} that counts.")
        return self._opened[key]

    @cached_property
    def adds_up(self) -> bool:
        """Whether the members' contributions, weighted, add up to the ensemble's prediction before its link.

        They do where each adds up to what the metalearner is told: the logarithms of odds, or a number. Tried on a row
        without any value and on one of zeros.
        """
        link = str(java.field(self._metalearner, _GLM, "_link"))
        rows = np.full((2, len(self.names)), np.nan)
        rows[1] = 0.0
        said = java.score(self._mojo, rows)
        if link == "logit":
            wanted = np.log(said[:, 2] / said[:, 1])
        elif link == "identity":
            wanted = said[:, 0]
        else:
            return False
        total = np.full(2, self.intercept)
        for member in self.members:
            model = self.member(member.key)
            if not model.has_contributions:
                return False
            parts = model.explain(rows[:, :1].repeat(len(model.names), axis=1))
            total += member.weight * sum(column.to_numpy() for column in parts.columns)
        return bool(np.allclose(total, wanted, atol=_ADDS_UP))

    @property
    def _metalearner(self) -> Any:
        return java.field(self._mojo, _ENSEMBLE, "_metaLearner")

    @cached_property
    def _coefficients(self) -> Matrix:
        return np.array(self._metalearner.getBeta())

    @cached_property
    def _opened(self) -> dict[str, Model]:
        submodels = _submodels(self._mojo)
        keys = [str(name) for name in self._metalearner.getNames()[: len(submodels)]]
        known = {key: java.field(one, _MEMBER, "_mojoModel") for key, one in zip(keys, submodels, strict=True) if one}
        drf = [member.key for member in self.members if member.algo == "DRF"]
        known |= {key: java.read_mojo(_part(self._read(), f"models/DRF/{key}/"), with_metadata=True) for key in drf}
        return {member.key: Model(known[member.key], 0) for member in self.members}


def _submodels(mojo: Any) -> list[Any]:
    """Return the members of an ensemble in the order of the metalearner's columns; None for those of weight 0."""
    return list(java.field(mojo, _ENSEMBLE, "_baseModels"))


def _needed(mojo: Any, names: tuple[str, ...]) -> frozenset[str]:
    """Return the columns that a model looks at: an ensemble lists weights and folds too, its members do not."""
    if not java.is_a(mojo, _ENSEMBLE):
        return frozenset(names)
    members = [java.field(one, _MEMBER, "_mojoModel") for one in _submodels(mojo) if one]
    return frozenset(str(name) for member in members for name in member.getNames()[: member.nfeatures()])


def _numbers(rows: pa.RecordBatch, name: str, codes: dict[str, int] | None) -> Matrix:
    """Return a column as the model's numbers: levels as their places; NaN where a cell is missing or unseen."""
    if name not in rows.schema.names:
        raise EngineError(f"The model needs a column {name!r}.")
    column = rows.column(name)
    if pa.types.is_dictionary(column.type) == (codes is None):
        raise EngineError(f"The column {name!r} is {'not ' if codes is None else ''}a category for this model.")
    if codes is None:
        values: Matrix = column.to_numpy(zero_copy_only=False)
        return values
    words = column.dictionary.to_pylist()
    known = np.array([*(codes.get(word, np.nan) for word in words), np.nan])
    places: Matrix = known[column.indices.fill_null(len(words)).to_numpy()]
    return places


def _terms(mojo: Any, matrix: Matrix) -> Matrix:
    """Return coefficient times value of each column, and the intercept, as H2O's GLM adds them up."""

    def own(name: str) -> Any:
        return java.field(mojo, _GLM_BASE, name)

    beta, offsets = np.array(mojo.getBeta()), [int(place) for place in own("_catOffsets")]
    n_categories, skipped = int(own("_cats")), 0 if bool(own("_useAllFactorLevels")) else 1
    usual = [*(float(mode) for mode in own("_catModes")), *(float(mean) for mean in own("_numMeans"))]
    found = np.zeros((len(matrix), len(usual) + 1))
    found[:, -1] = beta[-1]
    for place, stand_in in enumerate(usual):
        values = np.where(np.isnan(matrix[:, place]), stand_in, matrix[:, place])
        if place >= n_categories:
            found[:, place] = beta[offsets[n_categories] + place - n_categories] * values
            continue
        at = values.astype(np.int64) - skipped + offsets[place]
        is_known = (values >= skipped) & (at < offsets[place + 1])
        found[:, place] = np.where(is_known, beta[np.where(is_known, at, 0)], 0.0)
    return found


def _read(path: str, sha256: str) -> bytes:
    """Return the bytes of a model's file."""
    data = Path(path).read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelIntegrityError("The model file was changed or damaged since it was saved.")
    return data


def _part(data: bytes, folder: str) -> bytes:
    """Return a folder of a MOJO as a MOJO of its own."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as whole, zipfile.ZipFile(out, "w") as part:
        for name in whole.namelist():
            if name.startswith(folder) and name != folder:
                part.writestr(name.removeprefix(folder), whole.read(name))
    return out.getvalue()


def _batch(numbers: Matrix, names: tuple[str, ...]) -> pa.RecordBatch:
    return pa.record_batch([np.ascontiguousarray(column) for column in numbers.T], names=list(names))


def _look_into(data: bytes) -> tuple[dict[str, str], int]:
    """Return what a MOJO says of itself and how large it is unpacked, as far as it can be read."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            n_bytes = sum(entry.file_size for entry in file.infolist())
            text = file.read("model.ini").decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError):
        return {}, len(data)
    pairs = (line.partition("=") for line in text.partition("[columns]")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}, n_bytes

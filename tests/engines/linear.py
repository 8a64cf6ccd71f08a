"""What the engine in memory learns: ridge regressions, for classes of their links, and the average of several."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.domain.training import Task
from core.metrics.curves import best_f1_threshold
from core.metrics.measures import classification_metrics, regression_metrics
from tests.engines.frames import FakeFrame

RIDGES = {"GBM": 1.0, "GLM": 30.0, "DRF": 300.0, "XGBoost": 1000.0, "DeepLearning": 3000.0}
_STEEPNESS = 4.0  # how fast a probability rises with what was learned of a class


@dataclass
class FakeModel:
    """A linear model over numbers made from the features: a category is its mean target, a missing number the mean.

    All it is goes into JSON and comes back.
    """

    key: str
    algo: str
    target: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    means: dict[str, float] = field(default_factory=dict)
    codes: dict[str, dict[str, float]] = field(default_factory=dict)
    weights: list[list[float]] = field(default_factory=list)
    parts: list[list[list[float]]] = field(default_factory=list)  # the weights of each, where it is an average
    details: dict = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return "regression" if not self.classes else "binary" if len(self.classes) == 2 else "multiclass"

    def learn(self, frame: FakeFrame, ridges: list[float]) -> None:
        """Learn from all rows; with several ridges it is the average of as many models."""
        target = frame.table[self.target].to_pylist()
        if self.classes:
            wanted = np.array([[value == name for name in self.classes] for value in target], dtype=float)
        else:
            wanted = np.asarray(target, dtype=float)[:, None]
        for name in self.features:
            values = frame.table[name].to_pylist()
            if name in frame.levels:
                groups: dict[str, list[float]] = {}
                for value, y in zip(values, wanted[:, -1].tolist(), strict=True):
                    if value is not None:
                        groups.setdefault(value, []).append(y)
                self.codes[name] = {value: float(np.mean(found)) for value, found in groups.items()}
            else:
                known = [value for value in values if value is not None]
                self.means[name] = float(np.mean(known)) if known else 0.0
        x = self.design(frame.table)
        penalty = np.eye(x.shape[1]) * np.maximum(x.std(axis=0), 1e-9) ** 2
        penalty[0, 0] = 0.0
        found = [np.linalg.lstsq(x.T @ x + ridge * penalty, x.T @ wanted, rcond=None)[0] for ridge in ridges]
        self.weights = np.mean(found, axis=0).tolist()
        self.parts = [one.tolist() for one in found] if len(found) > 1 else []

    def design(self, table: pa.Table) -> np.ndarray:
        columns = [np.ones(table.num_rows)]
        for name in self.features:
            if name in self.codes:
                values = [self.codes[name].get(value, 0.0) for value in table[name].to_pylist()]
            else:
                values = [self.means[name] if v is None or v != v else v for v in table[name].to_pylist()]
            columns.append(np.asarray(values, dtype=float))
        return np.column_stack(columns)

    def output(self, table: pa.Table) -> np.ndarray:
        """Return a column of probabilities per class, or one of numbers."""
        found = self.design(table) @ np.asarray(self.weights)
        if not self.classes:
            return found
        p = np.exp(_STEEPNESS * (found - found.max(axis=1, keepdims=True)))
        return p / p.sum(axis=1, keepdims=True)

    def predict(self, table: pa.Table) -> pa.Table:
        return self.predictions(self.output(table))

    def predictions(self, output: np.ndarray) -> pa.Table:
        """Return an output as the engine's table."""
        if not self.classes:
            return pa.table({"predict": output[:, 0]})
        labels = [self.classes[place] for place in output.argmax(axis=1)]
        return pa.table({"predict": labels} | {name: output[:, place] for place, name in enumerate(self.classes)})

    def metrics(self, table: pa.Table, output: np.ndarray) -> dict[str, float]:
        """Measure an output, under the names that H2O has on its leaderboard."""
        actual = table[self.target]
        if not self.classes:
            found = regression_metrics(actual.to_numpy(), output[:, 0])
            return found | {"mean_residual_deviance": found["mse"]}
        found = classification_metrics(actual.to_pylist(), output, self.classes, self._positive)
        places = [self.classes.index(value) for value in actual.to_pylist()]
        mse = float(np.mean((1 - output[np.arange(len(output)), places]) ** 2))
        if "average_precision" in found:
            found["aucpr"] = found["average_precision"]
        known = ("auc", "aucpr", "logloss", "mean_per_class_error")
        return {name: found[name] for name in known if name in found} | {"rmse": mse**0.5, "mse": mse}

    def best_threshold(self, table: pa.Table, output: np.ndarray) -> float | None:
        if self.task != "binary":
            return None
        return best_f1_threshold(np.array(table[self.target].to_pylist()) == self._positive, output[:, -1])[0]

    def link_parts(self, table: pa.Table, usual: np.ndarray) -> tuple[np.ndarray, float]:
        """Return what each feature adds to the link of the second class (or the number), and what is there without."""
        weights = np.asarray(self.weights)
        link = _STEEPNESS * (weights[:, -1] - weights[:, 0]) if self.classes else weights[:, 0]
        return ((self.design(table) - usual) * link)[:, 1:], float(usual @ link)

    def contributions(self, table: pa.Table, usual: np.ndarray) -> pa.Table:
        parts, bias = self.link_parts(table, usual)
        found = {name: parts[:, place] for place, name in enumerate(self.features)}
        return pa.table(found | {"BiasTerm": np.full(len(parts), bias)})

    def usual(self) -> np.ndarray:
        """Return the row that has the mean of each feature."""
        known = [self.means[n] if n in self.means else np.mean(list(self.codes[n].values())) for n in self.features]
        return np.array([1.0, *known])

    @property
    def _positive(self) -> str | None:
        return self.classes[-1] if self.task == "binary" else None

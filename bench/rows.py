"""What `python -m bench.table` measures: each row a figure of ours, what people would take instead, and its goal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Record = Mapping[str, Any]
Figure = Callable[[Record], float]


@dataclass(frozen=True)
class Run:
    """A script of this folder with its arguments.

    Attributes
    ----------
    repeats : int
        How often it runs as a whole; scripts that take medians themselves run once.
    seconds : int
        About how long one takes on two idle cores; where a time is set for all, what would not fit is left out.
    """

    script: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    repeats: int = 1
    seconds: int = 60


@dataclass(frozen=True)
class Goal:
    """What a figure has to be: `most` or `least` itself, at most a `ratio` of the other's, or `times` faster."""

    kind: Literal["most", "least", "ratio", "times"]
    value: float

    def is_met(self, ours: float, other: float | None) -> bool | None:
        """Whether it is; None where the other could not be measured."""
        if self.kind in ("most", "least"):
            return ours <= self.value if self.kind == "most" else ours >= self.value
        if other is None:
            return None
        return ours <= self.value * other if self.kind == "ratio" else other >= self.value * ours

    def words(self, unit: str) -> str:
        """Return it in words."""
        return {
            "most": f"≤ {self.value:g} {unit}", "least": f"≥ {self.value:g} {unit}",
            "ratio": f"≤ {self.value:.2g} of it", "times": f"{self.value:g} times faster",
        }[self.kind].strip()  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    run, quick : Run
        At full size, and small enough for all rows to take a quarter of an hour; None where there is no small size.
    where : mapping
        What a printed record must hold to be the one; empty for the first.
    other : callable or None
        The figure of `beside`, what people would take instead: of the same record or of that of `other_where`.
    """

    part: str
    what: str
    run: Run
    quick: Run | None
    ours: Figure
    goal: Goal
    unit: str = "s"
    beside: str = ""
    other: Figure | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    other_where: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Growth:
    """How a time grows with a size: `lines` by name, `size` from the record."""

    name: str
    title: str
    axis: str
    runs: tuple[Run, ...]
    quick: tuple[Run, ...]
    size: Figure
    lines: Mapping[str, Figure]
    where: Mapping[str, Any]


def at(path: str) -> Figure:
    """Return the figure at a dotted path of a record; KeyError where it is not there."""

    def figure(record: Record) -> float:
        value: Any = record
        for name in path.split("."):
            value = value[name]
        return float(value)

    return figure


def _slowest(path: str) -> Figure:
    return lambda record: max(float(value) for value in record[path].values())


_SCORING, _SCORING_QUICK = Run("scoring", seconds=330), Run("scoring", ("200000",), seconds=100)
_HTTP, _HTTP_QUICK = Run("http_rows", seconds=220), Run("http_rows", ("5",), seconds=140)
_FILES, _FILES_QUICK = Run("score_files", seconds=200), Run("score_files", ("100000",), seconds=60)
_SERVER, _EMBEDDED = Run("many_models", ("server",), seconds=90), Run("many_models", ("embedded",), seconds=45)
_XLSX = {name: Run(name, repeats=3, seconds=60) for name in ("xlsx_read", "xlsx_write")}
_XLSX_QUICK = {name: Run(name, ("20000",), repeats=3, seconds=8) for name in _XLSX}
_EXPLAIN, _PAGE = Run("explain", seconds=240), Run("explain_page", seconds=300)
_RERUNS = Run("reruns", seconds=45)
_PAGES, _COLD = Run("pages", seconds=45), Run("cold", seconds=75)
_PYFUNC = Run("pyfunc", seconds=120)
_PROFILE, _BIG = Run("profile", ("insurance", "page"), seconds=60), Run("profile", ("big",), seconds=180)
_YDATA = Run("profile", ("ydata",), seconds=240)
_TRAINING = Run("training", seconds=480)
_TRAINING_QUICK = Run("training", env=(("BENCH_MODELS", "2"),), seconds=180)
_CROWD = Run("crowd", ("20", "10000"), seconds=60)
_SESSIONS, _HOMES = Run("sessions", seconds=1000), Run("homes", ("20", "100"), seconds=1500)
_REASONS, _REASONS_QUICK = Run("reasons", seconds=240), Run("reasons", ("10000",), seconds=55)

# The first rows are those a short run should not lack.
ROWS: Final = (
    Row("Start", "first page, from the start of the process", _PAGES, _PAGES, at("first_page_s"), Goal("most", 4)),
    Row("Start", "from page to page, the slowest", _PAGES, _PAGES, at("slowest_change_s"), Goal("most", 0.5)),
    Row("Start", "a page run again, the slowest, no browser", _RERUNS, None, at("slowest_s"), Goal("most", 0.15)),
    Row("Start", "first visit of Explore, in a browser", _RERUNS, None, at("explore_first_s"), Goal("most", 2)),
    Row(
        "Start", "all pages seen: log lines that warn", _RERUNS, None, at("warnings"), Goal("most", 0), "lines",
    ),
    Row(
        "Files", "workbook of 12 columns read", _XLSX["xlsx_read"], _XLSX_QUICK["xlsx_read"], at("ours_s"),
        Goal("ratio", 1 / 6), beside="pandas with openpyxl", other=at("pandas_openpyxl_s"),
    ),
    Row(
        "Files", "workbook of 12 columns written with styles", _XLSX["xlsx_write"], _XLSX_QUICK["xlsx_write"],
        at("ours_s"), Goal("ratio", 0.5), beside="pandas with openpyxl, no styles", other=at("pandas_openpyxl_s"),
    ),
    Row(
        "Exploring", "267,416 x 12 described, with relations to the target", _PROFILE, _PROFILE, at("ours_s"),
        Goal("ratio", 1), beside="skrub TableReport, without them", other=at("skrub_s"),
        where={"bench": "profile_insurance"},
    ),
    Row(
        "Exploring", "the same", _YDATA, None, at("ours_s"), Goal("ratio", 1), beside="ydata-profiling, minimal",
        other=at("ydata_s"), where={"bench": "profile_ydata"},
    ),
    Row(
        "Exploring", "Explore of that, warm, drawn in a browser", _PROFILE, _PROFILE, at("drawn_s"), Goal("most", 0.3),
        where={"bench": "profile_page"},
    ),
    Row(
        "Scoring", "127,037 rows, file to file", _SCORING, _SCORING_QUICK, at("ours_s"), Goal("ratio", 1.3),
        beside="bare engine, nothing checked", other=at("bare_s"), where={"bench": "scoring_over_bare"},
    ),
    Row(
        "Scoring", "many rows to labels by id", _SCORING, _SCORING_QUICK, at("ours_s"), Goal("times", 2.2),
        beside="the article's way", other=at("article_s"), where={"bench": "scoring_against_article"},
    ),
    Row(
        "Scoring", "one row as JSON over HTTP, median", _HTTP, _HTTP_QUICK, at("json_row.p50_ms"), Goal("times", 5),
        "ms", "mlflow models serve", at("p50_ms"), {"bench": "http_rows"}, {"against": "mlflow"},
    ),
    Row(
        "Scoring", "the same", _HTTP, _HTTP_QUICK, at("json_row.p50_ms"), Goal("times", 5),
        "ms", "the article's endpoint", at("p50_ms"), {"bench": "http_rows"}, {"against": "article"},
    ),
    Row(
        "Scoring", "one row as JSON over HTTP, 95th percentile", _HTTP, _HTTP_QUICK, at("json_row.p95_ms"),
        Goal("most", 60), "ms",
    ),
    Row(
        "Scoring", "a file of 1,000 rows over HTTP, median", _HTTP, _HTTP_QUICK, at("file_1000.p50_ms"),
        Goal("most", 110), "ms",
    ),
    Row(
        "Scoring", "rows a second, 20 clients", _HTTP, _HTTP_QUICK, at("crowd.rows_a_second"), Goal("least", 200),
        "rows/s",
    ),
    Row(
        "Scoring", "1,000 rows by a command, nothing running", _COLD, _COLD, at("ours_s"), Goal("ratio", 0.35),
        beside="plain script on H2O", other=at("plain_s"),
    ),
    Row(
        "Scoring", "127,037 rows, file to file, model as MLflow has it", _PYFUNC, None, at("ours_s"),
        Goal("ratio", 1), beside="mlflow.pyfunc, h2o flavour", other=at("pyfunc_s"),
    ),
    Row(
        "Leaderboard", "10,000 models on an MLflow server, Leaderboard warm", _SERVER, _SERVER,
        lambda record: max(record["pages_s"]["leaderboard"][1:]), Goal("ratio", 1), beside="REST calls of mlflow ui",
        other=at("rest_s"),
    ),
    Row(
        "Leaderboard", "10,000 models, embedded, Leaderboard warm", _EMBEDDED, _EMBEDDED,
        lambda record: max(record["pages_s"]["leaderboard"][1:]), Goal("most", 0.3),
    ),
    Row(
        "Leaderboard", "1,000 runs, embedded, Runs warm", _EMBEDDED, _EMBEDDED,
        lambda record: max(record["pages_s"]["runs"][1:]), Goal("most", 0.3),
    ),
    Row(
        "Memory", "the app with 10,000 models", _EMBEDDED, _EMBEDDED, at("memory_mb"), Goal("most", 400), "MB",
    ),
    Row(
        "Memory", "many rows x 12, file to file, all our processes", _FILES, _FILES_QUICK,
        lambda record: record["memory_bytes"] / 1e6, Goal("most", 1200), "MB", where={"bench": "score_files"},
    ),
    Row(
        "Scoring", "many rows x 12, CSV to CSV", _FILES, _FILES_QUICK, at("csv_s"), Goal("ratio", 0.6),
        beside="bare engine with join", other=at("bare_s"), where={"bench": "score_files"},
    ),
    Row(
        "Training", "submitted to stored, live view open", _TRAINING, _TRAINING_QUICK, at("ours_s"),
        Goal("ratio", 1.05), beside="bare H2OAutoML call", other=at("bare_s"),
    ),
    Row(
        "Explaining", "three reasons for each of many rows", _REASONS, _REASONS_QUICK, at("ours_s"),
        Goal("times", 1.3), beside="the engine's bare contributions", other=at("bare_s"),
    ),
    Row(
        "Explaining", "a leader and five more, everything", _EXPLAIN, None, at("ours_s"), Goal("ratio", 1),
        beside="H2O's own calls", other=at("bare_s"), where={"bench": "explain_over_bare"},
    ),
    Row(
        "Explaining", "one case, what if", _EXPLAIN, None, at("answer_s"), Goal("most", 0.5),
        where={"bench": "explain_case"},
    ),
    Row("Explaining", "Explain opened, engine asleep", _PAGE, None, at("open_s"), Goal("most", 0.5)),
    Row("Explaining", "a view of it after a click, the slowest", _PAGE, None, _slowest("click_s"), Goal("most", 0.2)),
    Row(
        "Scoring", "20 people at once, 10,000 rows each: 95th percentile", _CROWD, None, at("p95_s"),
        Goal("ratio", 1), beside="twice one alone x people / cores", other=at("allowed_s"),
    ),
    Row(
        "Many people", "50 idle, 10 active sessions: from a click to the end of the page, 95th percentile", _SESSIONS,
        None, at("page_p95_s"), Goal("most", 1),
    ),
    Row(
        "Many people", "the same: errors shown, and log lines at WARNING or worse", _SESSIONS, None, at("n_errors"),
        Goal("most", 0), "",
    ),
    Row(
        "Many people", "the same: memory once all have left, over before they came", _SESSIONS, None,
        lambda record: record["memory_mb"]["after"] / record["memory_mb"]["before"], Goal("most", 1.1), "",
    ),
    Row(
        "Several homes", "three on one MLflow server: different answers to the same rows", _HOMES, None,
        at("different"), Goal("most", 0), "", where={"bench": "homes_answers"},
    ),
    Row(
        "Several homes", "100 commands: runs of other homes touched", _HOMES, None,
        lambda record: len(record["touched"]), Goal("most", 0), "", where={"bench": "homes_commands"},
    ),
    Row(
        "Exploring", "10,000,000 x 12 described", _BIG, None, at("s"), Goal("most", 20), where={"bench": "profile_big"},
    ),
    Row(
        "Memory", "the same, over the idle process", _BIG, None, lambda record: record["bytes"] / 1e6,
        Goal("most", 1611), "MB", where={"bench": "profile_big"},
    ),
)  # fmt: skip


def _sizes(script: str, *args: str, seconds: int) -> tuple[Run, ...]:
    return (Run(script, args, seconds=seconds),)


GROWTHS: Final = (
    Growth(
        "rows_scored", "Rows scored, file to file", "rows",
        _sizes("score_files", "1000", "10000", "100000", "1000000", "10000000", seconds=1500),
        _sizes("score_files", "1000", "10000", "100000", seconds=90),
        at("rows"), {"Bellwether": at("csv_s"), "bare engine with join": at("bare_s")}, {"bench": "score_files"},
    ),
    Growth(
        "rows_described", "Rows described, 12 columns", "rows",
        _sizes("profile", "1000x12", "10000x12", "100000x12", "1000000x12", "10000000x12", seconds=600),
        _sizes("profile", "1000x12", "10000x12", "100000x12", seconds=40),
        at("rows"), {"Bellwether": at("ours_s"), "skrub TableReport": at("skrub_s")}, {"bench": "profile_grown"},
    ),
    Growth(
        "columns_described", "Columns described, 2,000 rows", "columns",
        _sizes("profile", "2000x10", "2000x100", "2000x1000", "2000x5000", seconds=400),
        _sizes("profile", "2000x10", "2000x100", "2000x500", seconds=60),
        at("columns"), {"Bellwether": at("ours_s"), "skrub TableReport": at("skrub_s")}, {"bench": "profile_grown"},
    ),
    Growth(
        "models_listed", "Models listed: Leaderboard, embedded, warm", "models",
        tuple(Run("many_models", ("embedded", n, each), seconds=40) for n, each in
              (("10", "1"), ("10", "10"), ("100", "10"), ("1000", "10"))),
        tuple(Run("many_models", ("embedded", n, each), seconds=12) for n, each in (("10", "1"), ("100", "10"))),
        at("models"), {"Leaderboard": lambda record: max(record["pages_s"]["leaderboard"][1:]),
                       "Runs": lambda record: max(record["pages_s"]["runs"][1:])}, {"bench": "many_models embedded"},
    ),
    Growth(
        "people_scoring", "People who score 10,000 rows at the same time: 95th percentile", "people",
        _sizes("crowd", "1,2,5,10,20,50", "10000", seconds=150), _sizes("crowd", "1,5,10", "10000", seconds=70),
        at("people"), {"Bellwether": at("p95_s"), "allowed": at("allowed_s")}, {"bench": "crowd"},
    ),
)  # fmt: skip

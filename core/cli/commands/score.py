"""`python -m core score`: a file in, the same rows with predictions out."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.cli.progress import PERSON, tell
from core.errors import DataError

if TYPE_CHECKING:  # what a `--help`, and the start of the process that scores, should not wait for
    from core.exports.tables import CsvStyle
    from core.services import Services

CSV_STYLES: Final = ("plain", "excel", "excel-semicolon")


def add_arguments(score: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    score.add_argument("--data", required=True, metavar="PATH", help="the file to score")
    score.add_argument(
        "--out", required=True, metavar="PATH.{csv,xlsx,json,parquet}", help="the result; replaced if it is there"
    )
    score.add_argument(
        "--on-cluster", action="store_true", help="both are addresses that the H2O cluster reads and writes itself"
    )
    score.add_argument("--model", metavar="URI", help="models:/NAME@champion, models:/NAME/3, models:/m-… or best")
    score.add_argument("--experiment", metavar="NAME", help="whose champion, if there are several experiments")
    score.add_argument("--threshold", type=float, metavar="T", help="0 to 1, instead of the model's policy")
    score.add_argument("--sheet", metavar="NAME", help="sheet of a workbook")
    score.add_argument("--reasons", type=int, default=0, metavar="K", help="what moved each prediction most, in words")
    score.add_argument("--details", action="store_true", help="check the file; add rank, decile, trust, interval")
    score.add_argument("--columns", choices=("all", "id", "none"), default="all", help="the file's own columns")
    score.add_argument("--csv", choices=CSV_STYLES, default="plain", help="how a CSV file is written")
    score.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="a column of the file and what the model calls it",
    )


def check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is started.

    DataError if there is no such file, the result cannot be written there, or a rename is not valid.
    """
    from core.exports.tables import check_output

    if args.on_cluster:
        return
    check_output(Path(args.out))
    if not Path(args.data).is_file():
        raise DataError(f"{args.data!r} is not a file.", hint="Check the path.", code="file.not_found")
    for text in args.rename:
        theirs, _, ours = text.partition("=")
        if not theirs or not ours:
            raise DataError(f"{text!r} is not a rename.", hint="Write --rename THEIRS=OURS.", code="predict.rename")


def score(args: argparse.Namespace, services: "Services") -> dict[str, Any]:
    """Score a file and write the result; a rename is remembered for the problem."""
    from core.exports.answers import check_words, save
    from core.models.opened import StoredModel

    if args.on_cluster:
        begun, info = time.monotonic(), services.scorer.choose_model(args.model, args.experiment)
        n_rows = services.cluster_data.score(info, args.data, args.out, threshold=args.threshold, person=PERSON)
        return {"model": info.uri, "rows": n_rows, "out": args.out, "seconds": {"total": time.monotonic() - begun}}
    begun, source, out = time.monotonic(), Path(args.data), Path(args.out)
    renames = dict(text.split("=", 1) for text in args.rename)
    if renames:
        model = services.scorer.choose_model(args.model, args.experiment)
        data = services.datasets.find_id(StoredModel(services.store, model).spec.dataset_id)
        ours = {theirs: data.column_called(name) if data else name for theirs, name in renames.items()}
        services.ledger.remember_columns(model.experiment, ours, person=PERSON)
    scored = services.scorer.score_file(
        source, source.name, model_uri=args.model, experiment=args.experiment, threshold=args.threshold,
        sheet=args.sheet, person=PERSON, reasons=args.reasons, details=args.details, origin="cli",
    )  # fmt: skip
    tell(scored.warnings)
    seconds = {**scored.seconds, "write": save(scored, out, keep=args.columns, csv=_style(args.csv))}
    seconds["total"] = time.monotonic() - begun
    result = {
        "model": scored.model.uri,
        "rows": scored.n_rows,
        "out": str(out),
        "threshold": scored.threshold,
        "decision": scored.decision.summary(scored.spec),
        "warnings": list(scored.warnings),
        "seconds": seconds,
    }
    if scored.check is not None:
        result["check"] = check_words(scored.check)
    if scored.reasons_method:
        result["reasons"] = scored.reasons_method
    if scored.intervals is not None:
        result["intervals"] = scored.intervals.in_words()
    return result | ({"metrics": scored.metrics, "rows_compared": scored.n_compared} if scored.metrics else {})


def _style(name: str) -> "CsvStyle":
    from core.exports.tables import EXCEL_CSV, EXCEL_CSV_COMMAS, PLAIN_CSV

    return dict(zip(CSV_STYLES, (PLAIN_CSV, EXCEL_CSV, EXCEL_CSV_COMMAS), strict=True))[name]

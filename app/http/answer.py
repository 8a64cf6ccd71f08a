"""From rows and a query to the answer of `POST /predict`: JSON or a file, with what the check found in headers."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from app.http.query import JSON, Query
from app.http.records import read_records
from core.errors import RequestError
from core.files import scratch

if TYPE_CHECKING:
    from core.domain.models import ModelInfo
    from core.exports.side_by_side import SideBySide
    from core.ledger.scoring_records import ScoringRequest
    from core.scoring.result import Scored
    from core.services import Services

PERSON: Final = "HTTP"
_RECORDS: Final = "records"
MODEL, ROWS, CHECK, FINDINGS = ("Bellwether-Model", "Bellwether-Rows", "Bellwether-Check", "Bellwether-Findings")
WARNINGS: Final = "Bellwether-Warnings"
_MAX_FINDINGS_CHARS = 4000
_MAX_WARNINGS_CHARS = 2000
_CHUNK_BYTES = 1024**2
_VERDICTS = ("green", "amber", "red")


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes
    ----------
    content : bytes or open file
        A file no longer has a name: it is gone once it is closed, however the sending ends.
    """

    media_type: str
    headers: Mapping[str, str]
    content: bytes | BinaryIO

    def response(self) -> Response:
        """Return it as a response."""
        if isinstance(self.content, bytes):
            return Response(self.content, media_type=self.media_type, headers=dict(self.headers))
        size = str(os.fstat(self.content.fileno()).st_size)
        headers = {**self.headers, "Content-Length": size}
        return StreamingResponse(_chunks(self.content), media_type=self.media_type, headers=headers)


def score(services: "Services", path: Path, file_name: str, query: Query) -> Answer:
    """Score a file with each requested model; runs in a thread.

    Raises
    ------
    AppError
        As `core.scoring.scorer.Scorer.score`; UnfitFileError with the findings when the check is red.
    """
    models, wanted = _models(services, query), _wanted(query)
    with closing(services.scorer.open(path, file_name, sheet=query.sheet)) as file:
        score_with = partial(services.scorer.score, file, request=wanted, person=PERSON, origin="http")
        results = {name: score_with(model) for name, model in models.items()}
    return _answer(services, results, file_name, query)


def score_records(services: "Services", content: bytes, query: Query) -> Answer:
    """Score the records of a JSON body with each requested model, without a file; runs in a thread.

    Raises
    ------
    AppError
        As `score` and `app.http.records.read_records`.
    """
    if query.sheet is not None:
        raise RequestError("sheet is for workbooks.", hint="Leave it out.", code="request.parameter")
    rows = services.scorer.open_rows(read_records(content, services.settings), content)
    score_with = partial(services.scorer.score_rows, rows, request=_wanted(query), person=PERSON, origin="http")
    results = {name: score_with(model) for name, model in _models(services, query).items()}
    return _answer(services, results, _RECORDS, query)


def _models(services: "Services", query: Query) -> dict[str, "ModelInfo"]:
    return {name or "": services.scorer.choose_model(name, query.experiment) for name in query.models or (None,)}


def _wanted(query: Query) -> "ScoringRequest":
    from core.ledger.scoring_records import ScoringRequest

    return ScoringRequest(threshold=query.threshold, reasons=query.reasons, details=query.details, checked=True)


def _answer(services: "Services", results: Mapping[str, "Scored"], file_name: str, query: Query) -> Answer:
    from core.exports.side_by_side import compare_on

    comparison = compare_on(results)
    headers = _headers(comparison)
    if query.media_type == JSON:
        return Answer(JSON, headers, _json(comparison, query))
    headers["Content-Disposition"] = _disposition(file_name, query.suffix)
    return Answer(query.media_type, headers, _file(services, comparison, query))


def _json(comparison: "SideBySide", query: Query) -> bytes:
    from core.exports.answers import answer, labels_json

    is_one = len(comparison.results) == 1
    if is_one and not query.shape:
        return labels_json(comparison.first)
    told = answer(comparison.first, query.shape) if is_one else comparison.answer(query.shape)
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def _file(services: "Services", comparison: "SideBySide", query: Query) -> BinaryIO:
    from core.exports.answers import save

    with scratch(services.settings, "answer-") as folder:
        out = folder / f"answer{query.suffix}"
        if len(comparison.results) == 1:
            save(comparison.first, out, keep=query.columns)
        else:
            comparison.save(out, keep=query.columns)
        return out.open("rb")


def _headers(comparison: "SideBySide") -> dict[str, str]:
    checks = [scored.check for scored in comparison.results.values() if scored.check is not None]
    headers = {
        MODEL: ", ".join(scored.model.uri for scored in comparison.results.values()),
        ROWS: str(comparison.first.n_rows),
    }
    if checks:
        headers[CHECK] = max((check.verdict for check in checks), key=_VERDICTS.index)
        amber = [finding for check in checks for finding in check.findings if finding.verdict == "amber"]
        told = dict.fromkeys((finding.code, finding.column, finding.count) for finding in amber)
        if told:
            found = [{"code": a, "column": b, "count": c} for a, b, c in told]
            headers[FINDINGS] = _in_header(found, _MAX_FINDINGS_CHARS)
    warnings = list(dict.fromkeys(text for scored in comparison.results.values() for text in scored.warnings))
    if warnings:
        headers[WARNINGS] = _in_header(warnings, _MAX_WARNINGS_CHARS)
    return headers


def _in_header(told: Sequence[object], most: int) -> str:
    """Return as much as a header of so many characters holds, as JSON in plain ASCII; `more` counts the rest."""
    kept: list[object] = []
    size = 0
    for one in told:
        size += len(json.dumps(one)) + 2
        if size > most:
            return json.dumps([*kept, {"more": len(told) - len(kept)}])
        kept.append(one)
    return json.dumps(kept)


def _disposition(file_name: str, suffix: str) -> str:
    stem = file_name.split(".", 1)[0] or "file"
    return f"attachment; filename*=UTF-8''{quote(f'{stem}_predictions{suffix}', safe='')}"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk

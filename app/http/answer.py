"""From a file and a query to the answer of `POST /predict`: JSON or a file, with what the check found in headers."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from app.http.query import JSON, Query
from core.files import scratch

if TYPE_CHECKING:
    from core.exports.side_by_side import Comparison
    from core.scoring.result import Scored
    from core.services import Services

PERSON: Final = "HTTP"
MODEL, ROWS, CHECK, FINDINGS = ("Bellwether-Model", "Bellwether-Rows", "Bellwether-Check", "Bellwether-Findings")
_MAX_HEADER_CHARS = 4000
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
        As `core.scoring.scorer.Scorer.score_file`; UnfitFileError with the findings when the check is red.
    """
    from core.exports.side_by_side import compare_on

    found: dict[str, Scored] = {}
    for name in query.models or (None,):
        scored = services.scorer.score_file(
            path,
            file_name,
            model_uri=name,
            experiment=query.experiment,
            threshold=query.threshold,
            sheet=query.sheet,
            person=PERSON,
            origin="http",
            reasons=query.reasons,
            details=query.details,
            checked=True,
        )
        found[name or ""] = _sharing(scored, next(iter(found.values()), scored))
    comparison = compare_on(found)
    headers = _headers(comparison)
    if query.media_type == JSON:
        return Answer(JSON, headers, _json(comparison, query))
    headers["Content-Disposition"] = _disposition(file_name, query.suffix)
    return Answer(query.media_type, headers, _file(services, comparison, query))


def _sharing(scored: "Scored", first: "Scored") -> "Scored":
    """Return a result that holds the same rows as the first one only once."""
    is_same = scored.n_rows == first.n_rows and scored.source.schema.equals(first.source.schema)
    return replace(scored, source=first.source) if is_same else scored


def _json(comparison: "Comparison", query: Query) -> bytes:
    from core.exports.answers import answer, labels_json

    is_one = len(comparison.results) == 1
    if is_one and not query.shape:
        return labels_json(comparison.first)
    told = answer(comparison.first, query.shape) if is_one else comparison.answer(query.shape)
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def _file(services: "Services", comparison: "Comparison", query: Query) -> BinaryIO:
    from core.exports.answers import save

    with scratch(services.settings, "answer-") as folder:
        out = folder / f"answer{query.suffix}"
        if len(comparison.results) == 1:
            save(comparison.first, out, keep=query.columns)
        else:
            comparison.save(out, keep=query.columns)
        return out.open("rb")


def _headers(comparison: "Comparison") -> dict[str, str]:
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
            headers[FINDINGS] = _in_header([{"code": a, "column": b, "count": c} for a, b, c in told])
    return headers


def _in_header(findings: list[dict[str, object]]) -> str:
    """Return as many findings as a header may hold, as JSON in plain ASCII; `more` counts the others."""
    kept: list[dict[str, object]] = []
    size = 0
    for finding in findings:
        size += len(json.dumps(finding)) + 2
        if size > _MAX_HEADER_CHARS:
            return json.dumps([*kept, {"more": len(findings) - len(kept)}])
        kept.append(finding)
    return json.dumps(kept)


def _disposition(file_name: str, suffix: str) -> str:
    stem = file_name.split(".", 1)[0] or "file"
    return f"attachment; filename*=UTF-8''{quote(f'{stem}_predictions{suffix}', safe='')}"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk

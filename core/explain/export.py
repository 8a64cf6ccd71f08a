"""Explanations as files to hand on: the data of each item as JSON, all figures on one page that needs no network."""

import html
import json
from pathlib import Path

from core.errors import StoreError, translate
from core.explanations.items import Explanations, Item
from core.plain import to_plain

PAGE = "explanations.html"
_ITEMS = (
    "variable_importance", "members", "shap_summary", "partial_dependence", "ice", "pairs", "learning_curve",
)  # fmt: skip
_ITEMS_BY_ORIGIN = ("confusion", "roc", "precision_recall", "residuals")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#10181B;max-width:860px;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.05rem;margin-top:2rem}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
    ".quiet{color:#4E5D63}figure{margin:1.2rem 0}"
)


def export(explanations: Explanations, folder: Path) -> tuple[Path, ...]:
    """Write the explanations of a model to a folder.

    Parameters
    ----------
    explanations : Explanations
        From `compute` or `load`.
    folder : Path
        Made when it is not there; files of the same names are replaced.

    Returns
    -------
    tuple of Path
        ``explanations.html`` first (self-contained: figures, metrics, and the reason for each thing missing), then one
        JSON file per item with data, reason, origin and method.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    plain = to_plain(explanations)
    with translate({OSError: StoreError}, f"The explanations cannot be written to {folder}."):
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / PAGE
        page.write_text(_page(explanations), encoding="utf-8")
        written = [page]
        for name in ("metrics", *_ITEMS, *_ITEMS_BY_ORIGIN):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(plain[name], ensure_ascii=False, indent=1), encoding="utf-8")
            written.append(path)
    return tuple(written)


def missing(explanations: Explanations) -> dict[str, str]:
    """Return what cannot be had, by item (and origin), with the reason."""
    found: dict[str, Item[object]] = {name: getattr(explanations, name) for name in _ITEMS}
    for name in _ITEMS_BY_ORIGIN:
        found |= {f"{name} ({origin})": item for origin, item in getattr(explanations, name).items()}
    return {name: item.reason for name, item in found.items() if item.data is None}


def _page(explanations: Explanations) -> str:
    from core.charts.look import apply  # with Plotly and all that figures are of: nobody else here draws
    from core.charts.models import figures

    title = html.escape(f"{explanations.algo} for {explanations.target}: explanations")
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f"<p class='quiet'>Model {html.escape(explanations.model_key)}, computed {explanations.created_at}.</p>",
        _metrics_table(explanations),
    ]
    for place, figure in enumerate(figures(explanations).values()):
        # plotly.js goes in once, with the first figure.
        drawn = apply(figure, dark=False).to_html(
            full_html=False, include_plotlyjs=place == 0, config={"displayModeBar": False, "responsive": True}
        )
        parts.append(f"<figure>{drawn}</figure>")
    reasons = "".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}</td><td>{html.escape(reason)}</td></tr>"
        for name, reason in missing(explanations).items()
    )
    parts.append(f"<h2>What is not here, and why</h2><table>{reasons}</table></body></html>")
    return "\n".join(parts)


def _metrics_table(explanations: Explanations) -> str:
    metrics = to_plain(explanations.metrics)
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    if not names:
        return ""
    head = "".join(f"<th>{html.escape(origin)}</th>" for origin in metrics)
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{values[name]:.5g}</td>" if name in values else "<td></td>" for values in metrics.values())
        + "</tr>"
        for name in names
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"

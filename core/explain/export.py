"""Explanations as files to hand on: the data of each item as JSON beside a page for people."""

from pathlib import Path

from core.errors import StoreError, translate
from core.explanations.items import Explanations
from core.plain import to_json

PAGE = "explanations.html"


def export(explanations: Explanations, folder: Path, page: str) -> tuple[Path, ...]:
    """Write the explanations of a model to a folder.

    Parameters
    ----------
    folder : Path
        Made when it is not there; files of the same names are replaced.
    page : str
        The HTML document about them.

    Returns
    -------
    tuple of Path
        ``explanations.html`` first, then one JSON file per item with data, reason, origin and method.
    """
    texts = {PAGE: page} | {
        f"{name}.json": to_json(getattr(explanations, name), indent=1) for name in ("metrics", *explanations.names())
    }
    with translate({OSError: StoreError}, f"The explanations cannot be written to {folder}."):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in texts)

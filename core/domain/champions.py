"""An entry of the champion history."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class ChampionEntry:
    """A version that became the champion.

    Attributes
    ----------
    at : datetime
        When it did; the latest that it can have been where it was `outside`.
    person, why, approved_by : str
        Who promoted it and for what reason, and who had approved it; empty where that is not known.
    model_id : str
        ``m-…``; empty for automatic promotions of before this history was kept.
    from_version : int or None
        The champion before.
    automatic : bool
        Whether it became the champion by itself, as the leader of the first run.
    outside : bool
        Whether the alias was moved by another tool than Bellwether, such as MLflow's own pages.
    """

    experiment: str
    version: int
    model_id: str
    at: datetime
    id: int = 0
    person: str = ""
    why: str = ""
    approved_by: str = ""
    from_version: int | None = None
    automatic: bool = False
    outside: bool = False

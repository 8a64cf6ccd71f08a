"""The built-in sample problem: generated insurance customers, so that the first minute needs no file at hand.

Nobody in it exists. A latent score is drawn from the columns and the target from that score, so a model can learn
something, but not everything.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.settings import ROOT

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_NAME = "Sample: insurance customers (synthetic)"
SAMPLE_TARGET = "interested"
SAMPLE_EXPERIMENT = "sample-insurance"

_FOLDER = ROOT / "data" / "samples"
_TRAINING_FILE = "insurance_customers.csv"
_SCORING_FILE = "insurance_customers_to_score.csv"
_TRAINING_ROWS = 5000
_SCORING_ROWS = 500
_SEED = 20_240_501
_FIRST_ID = 100_001
_LAST_DAY = np.datetime64("2024-04-30")
_MISSING_SHARE = {"age": 0.02, "vehicle_damage": 0.015, "annual_premium": 0.03}

# Region code: share of the customers, effect on the latent score.
_REGIONS = {
    "003": (0.08, 0.3),
    "007": (0.06, -0.5),
    "008": (0.12, 0.1),
    "015": (0.13, -0.3),
    "028": (0.26, 0.5),
    "029": (0.10, 0.1),
    "041": (0.15, 0.3),
    "046": (0.10, -0.6),
}
_CHANNELS = {"agent": (0.34, 0.5), "bank": (0.16, 0.2), "online": (0.38, -0.7), "phone": (0.12, 0.3)}
_VEHICLE_AGES = {"under 1 year": (0.42, -0.9), "1-2 years": (0.51, 0.3), "over 2 years": (0.07, 0.8)}
_INTERCEPT = -1.75

_Floats = npt.NDArray[np.float64]


def sample_training_path() -> Path:
    """Return the path of the committed sample to train on: 5,000 customers with the target."""
    return _FOLDER / _TRAINING_FILE


def sample_scoring_path() -> Path:
    """Return the path of the committed sample to score: 500 other customers, without the target."""
    return _FOLDER / _SCORING_FILE


def generate(n_rows: int, seed: int, *, with_target: bool, first_id: int = _FIRST_ID) -> "pd.DataFrame":
    """Draw synthetic insurance customers; the same arguments give the same rows.

    Parameters
    ----------
    with_target : bool
        Whether the column `interested` (``"yes"`` for about 14% of the rows, else ``"no"``) is there.
    first_id : int, optional
        The first `customer_id`; the others follow one by one.

    Returns
    -------
    DataFrame of shape (n_rows, 11) or (n_rows, 12)
        customer_id, gender, age, region_code (text with leading zeros), customer_since (ISO date), licence,
        previously_insured, vehicle_age, vehicle_damage, sales_channel, annual_premium, and `interested`. Age, vehicle
        damage and annual premium have a few missing cells.

    Notes
    -----
    Ranking by the true probability gives an AUC of about 0.86; a model trained on 5,000 rows reaches about 0.85.

    Examples
    --------
    >>> generate(3, 1, with_target=True)["customer_id"].tolist()
    [100001, 100002, 100003]
    """
    rng = np.random.default_rng(seed)
    age = np.floor(20 + 62 * rng.beta(1.3, 2.3, n_rows))
    vehicle_age, vehicle_age_effect = _draw(rng, _VEHICLE_AGES, n_rows)
    region, region_effect = _draw(rng, _REGIONS, n_rows)
    channel, channel_effect = _draw(rng, _CHANNELS, n_rows)
    insured = rng.random(n_rows) < 0.44
    damage = rng.random(n_rows) < np.where(insured, 0.18, 0.72)
    days = np.floor(15 + 2900 * rng.random(n_rows)).astype(np.int64)
    premium = np.round(np.exp(rng.normal(6.35 + 0.006 * (age - 40), 0.38, n_rows)), 2)
    score = (
        _INTERCEPT
        - 2.2 * insured
        + 1.3 * damage
        - 0.5 * ((age - 43) / 12) ** 2
        + vehicle_age_effect
        + region_effect
        + channel_effect * np.where(age < 30, 1.4, 0.8)
        + 0.25 * (np.log(premium) - 6.35)
    )
    import pandas as pd  # a scoring starts without

    frame = pd.DataFrame(
        {
            "customer_id": np.arange(first_id, first_id + n_rows),
            "gender": np.where(rng.random(n_rows) < 0.54, "male", "female"),
            "age": pd.array(age, dtype="Int64"),
            "region_code": region,
            "customer_since": np.datetime_as_string(_LAST_DAY - days, unit="D"),
            "licence": _yes_no(rng.random(n_rows) < 0.998),
            "previously_insured": _yes_no(insured),
            "vehicle_age": vehicle_age,
            "vehicle_damage": _yes_no(damage),
            "sales_channel": channel,
            "annual_premium": premium,
        }
    )
    for name, share in _MISSING_SHARE.items():
        frame.loc[rng.random(n_rows) < share, name] = None
    if with_target:
        frame[SAMPLE_TARGET] = _yes_no(rng.random(n_rows) < 1 / (1 + np.exp(-score)))
    return frame


def write_samples(folder: Path = _FOLDER) -> None:
    """Write both sample files; they come out byte for byte as they are committed.

    Parameters
    ----------
    folder : Path, optional
        Where to; the folder of the committed files when omitted.
    """
    training = generate(_TRAINING_ROWS, _SEED, with_target=True)
    scoring = generate(_SCORING_ROWS, _SEED + 1, with_target=False, first_id=_FIRST_ID + _TRAINING_ROWS)
    for frame, name in ((training, _TRAINING_FILE), (scoring, _SCORING_FILE)):
        frame.to_csv(folder / name, index=False, float_format="%.2f", lineterminator="\n")


def _draw(
    rng: np.random.Generator, table: dict[str, tuple[float, float]], n_rows: int
) -> tuple[npt.NDArray[np.str_], _Floats]:
    """Draw levels by their shares; return them with their effects."""
    shares = np.cumsum([share for share, _ in table.values()])
    index = np.searchsorted(shares, rng.random(n_rows) * shares[-1], side="right")
    return np.array(list(table))[index], np.array([effect for _, effect in table.values()])[index]


def _yes_no(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    return np.where(flags, "yes", "no")

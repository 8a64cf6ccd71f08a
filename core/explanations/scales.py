"""The scales that contributions add up on, and the usual prediction in words."""

import math
from typing import Final

from core.wording import number_text

LOGARITHM: Final = "logarithm of "
LOG_ODDS: Final = "log-odds"
PROBABILITY: Final = "probability"
OWN_SCALE: Final = "the model's own scale"


def usual_text(bias: float, scale: str) -> str:
    """Return the prediction before any feature is known, as people read it.

    Parameters
    ----------
    bias : float
        On `scale`.

    Examples
    --------
    >>> usual_text(0.0, LOG_ODDS), usual_text(0.123, PROBABILITY), usual_text(181_000.0, "SalePrice")
    ('50.0%', '12.3%', '181,000')
    """
    if scale == LOG_ODDS:
        return f"{100 / (1 + math.exp(-bias)):.1f}%"
    if scale == PROBABILITY:
        return f"{100 * bias:.1f}%"
    if scale == OWN_SCALE:
        return f"{number_text(bias)} on {scale}"
    return number_text(math.exp(bias) if scale.startswith(LOGARITHM) else bias)

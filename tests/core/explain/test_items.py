"""Explanations as data."""

import pytest

from core.explanations.items import ShapFeature


@pytest.mark.parametrize(
    ("most", "kept"), [(3, (0.0, 4.0, 8.0)), (5, (0.0, 2.0, 4.0, 6.0, 8.0)), (10, tuple(map(float, range(10))))]
)
def test_fewer_points_of_a_feature_stay_together(most: int, kept: tuple[float, ...]) -> None:
    points = tuple(float(at) for at in range(10))
    found = ShapFeature("age", 0.5, tuple(map(str, points)), points, points).thinned(most)
    assert found.contribution == found.shade == kept
    assert found.value == tuple(map(str, kept))
    assert found.mean_absolute == 0.5
    assert ShapFeature("age", 0.5).thinned(most).contribution == ()

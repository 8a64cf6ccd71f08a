"""What the tests on the real app share."""

from pathlib import Path

import pytest

from core.data.datasets.samples import sample_training_path
from tests.contract.test_cli import Cli


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two small models of the sample; the champion is `models:/sample/1`."""
    home = tmp_path_factory.mktemp("trained") / "home"
    Cli(home).json(
        "train", "--data", sample_training_path(), "--target", "interested", "--experiment", "sample",
        "--max-models", 2, "--nfolds", 2, "--include-algos", "glm,gbm",
    )  # fmt: skip
    return home

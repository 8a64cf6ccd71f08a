"""What every test shares: a quiet environment, settings in a temporary home, and the real data where it lies."""

import os
from pathlib import Path

import pytest

from core.settings import Settings

# The only variables of ours that a test run takes from outside.
_KEPT = {"BELLWETHER_TEST_DATA", "BELLWETHER_TEST_BROWSER", "BELLWETHER_SOAK", "BELLWETHER_SCREENSHOTS"}


# Set here, before any plugin below or test module is imported: MLflow reads its part at import.
for _name in [name for name in os.environ if name.startswith("BELLWETHER_") and name not in _KEPT]:
    del os.environ[_name]
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1")

pytest_plugins = ["tests.fixtures_engine", "tests.fixtures_mojo", "tests.fixtures_server", "tests.fixtures_store"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home, with limits that a small machine keeps."""
    return Settings(home=tmp_path / "home", h2o_memory_bytes=1024**3, min_free_bytes=1024**2)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of the real data sets; the test is skipped where there is none."""
    folder = os.environ.get("BELLWETHER_TEST_DATA", "")
    if not folder:
        pytest.skip("BELLWETHER_TEST_DATA is not set: the real data sets are not at hand")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"BELLWETHER_TEST_DATA={folder} is not a folder")
    return path

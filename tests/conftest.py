"""What every test shares: a quiet environment, settings in a temporary home, and the real data where it lies."""

import os
import tempfile
from pathlib import Path

import hypothesis
import pytest

from core.settings import Settings
from tests.quick_java import use_quick_java

# The only variables of ours that a test run takes from outside.
_KEPT = {"BELLWETHER_TEST_DATA", "BELLWETHER_TEST_BROWSER", "BELLWETHER_SOAK", "BELLWETHER_SCREENSHOTS"}


# Set here, before any plugin below or test module is imported: MLflow reads its part at import.
for _name in [name for name in os.environ if name.startswith("BELLWETHER_") and name not in _KEPT]:
    del os.environ[_name]
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1")

# How long the first input takes to be made says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("suite", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")

# The files that take longest, the longest first: begun last, one of them would leave all other workers idle.
_LONG = (
    "browser/test_axe.py", "browser/test_sign_in.py", "server/test_shared_mlflow.py", "browser/test_explore.py",
    "faults/test_f03_engine_left_behind.py", "browser/test_live.py", "contract/test_cli.py", "browser/test_prepare.py",
    "security/test_t18_markup.py", "faults/test_f23_cluster_node_lost.py", "faults/test_f03_app_killed.py",
    "contract/test_cluster_s3.py", "faults/test_f23_waiting_for_a_cluster.py", "contract/test_cluster_tls.py",
    "faults/test_f01_engine_killed.py", "contract/test_names_engine.py", "security/test_t17_two_sessions.py",
    "browser/test_asleep.py", "contract/test_reproduce_engine.py", "http/test_http.py", "browser/test_journey.py",
    "contract/test_served_engine.py", "faults/test_f02_out_of_memory.py", "faults/test_f17_leaks.py",
    "browser/test_hard_file.py", "browser/test_review.py",
)  # fmt: skip
_PLACES = {Path(__file__).parent / name: place for place, name in enumerate(_LONG)}

pytest_plugins = ["tests.fixtures_engine", "tests.fixtures_mojo", "tests.fixtures_server", "tests.fixtures_store"]


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what all processes of a test run share; those that xdist starts inherit it."""
    if not hasattr(config, "workerinput") and not os.environ.get("BELLWETHER_SOAK"):  # which repeats for minutes
        folder = tempfile.TemporaryDirectory(prefix="bellwether_tests_")
        config.add_cleanup(folder.cleanup)
        use_quick_java(Path(folder.name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _PLACES.get(item.path, len(_PLACES)))


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

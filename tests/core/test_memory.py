"""What a scoring command does not load, and what works without it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_arrow_does_without_pandas_until_somebody_wants_it() -> None:
    script = (
        "import sys; from core.memory import leave_out_pandas; leave_out_pandas(); import pyarrow as pa;"
        "table = pa.table({'a': [1, 2], 'b': ['x', None]}); print('pandas' in sys.modules);"
        "print(table.to_pandas()['a'].sum(), 'pandas' in sys.modules);"
        "import pandas as pd; print(pa.array(pd.Series([1.5, None])).null_count, pa.array([1]).to_pylist())"
    )
    assert run(script).split("\n") == ["False", "3 True", "1 [1]"]


def test_where_pandas_is_loaded_it_stays() -> None:
    script = (
        "import pandas as pd, pyarrow as pa; from core.memory import leave_out_pandas; leave_out_pandas();"
        "print(pa.Table.from_pandas(pd.DataFrame({'a': [1]})).num_rows)"
    )
    assert run(script) == "1"


@pytest.mark.slow
def test_a_scoring_command_waits_for_no_library_that_it_does_not_need() -> None:
    script = (
        "import sys; from core.memory import leave_out_pandas; leave_out_pandas(); import core.cli.main, core.services;"
        "from core.exports import answers, tables;"
        "print([name for name in ('h2o', 'mlflow', 'pandas', 'plotly', 'scipy', 'sklearn', 'streamlit')"
        " if name in sys.modules])"
    )
    assert run(script) == "[]"

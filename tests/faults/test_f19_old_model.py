"""F19: a MOJO that an older H2O made scores as it did then.

`gbm_of_h2o_3_44.zip` is a GBM of 5 trees that H2O 3.44.0.3 trained; the JSON beside it holds 40 rows and what that H2O
said of each.
"""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from core.domain.columns import Column, Schema
from core.engine.mojo.runtime import MojoRuntime
from core.features.engine_input import engine_rows
from tests.fixtures_mojo import of_file

pytestmark = pytest.mark.engine

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SCHEMA = Schema(
    (
        Column("age", "numeric"),
        Column("city", "category", levels=("Bonn", "Oslo", "Turin")),
        Column("premium", "numeric"),
    )
)


def test_f19_a_mojo_of_an_older_h2o_says_what_it_said_then(runtime: MojoRuntime):
    told = json.loads((FIXTURES / "gbm_of_h2o_3_44.json").read_text(encoding="utf-8"))
    table = pa.table(
        {
            "age": [float(row["age"]) for row in told],
            "city": [row["city"] for row in told],
            "premium": [float(row["premium"]) for row in told],
        }
    )
    found = runtime.predict(of_file(FIXTURES / "gbm_of_h2o_3_44.zip"), engine_rows(table, SCHEMA))
    assert found.num_rows == 40
    for name in ("no", "yes"):
        gaps = [abs(a - row[f"p_{name}"]) for a, row in zip(found[name].to_pylist(), told, strict=True)]
        assert max(gaps) <= 1e-6

"""The notebook of the documentation, which uses core without Streamlit: it runs from its first cell to its last."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "core-without-streamlit.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
LAST = """
print(json.dumps({
    "streamlit": "streamlit" in sys.modules, "status": run.status, "rows": scored.n_rows, "version": version,
    "features": [one.feature for one in explained.variable_importance.data],
    "workbook": workbook.read_bytes()[:2].hex(),
    "champion": services.store.resolve("models:/customers@champion").id, "other": other.id, "leader": leader.id,
}))
"""


def test_it_is_kept_without_what_it_printed():
    assert CELLS
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS)


@pytest.mark.engine
def test_it_takes_in_trains_explains_predicts_and_promotes(tmp_path):
    code = "\n".join(["import json", *("".join(cell["source"]) for cell in CELLS), LAST])
    env = {name: value for name, value in os.environ.items() if not name.startswith("BELLWETHER_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=NOTEBOOK.parent,
        env={**env, "TMPDIR": str(tmp_path), "BELLWETHER_H2O_MEMORY": "1g", "BELLWETHER_MIN_FREE": "1m"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["streamlit"]
    assert (found["status"], found["rows"], found["version"]) == ("finished", 500, 2)
    assert {"vehicle_damage", "previously_insured"} & set(found["features"][:3])
    assert bytes.fromhex(found["workbook"]) == b"PK"
    assert found["champion"] == found["other"] != found["leader"]

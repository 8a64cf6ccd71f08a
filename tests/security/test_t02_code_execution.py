"""T02: nothing that runs code of others is in the engine: no database drivers, no models as Java source."""

import zipfile
from pathlib import Path

import h2o
import pytest

from core.engine.h2o import H2OEngine
from core.errors import EngineError

DRIVERS = ("org/h2/", "com/mysql/", "org/postgresql/", "com/ibm/db2/", "oracle/jdbc/", "com/microsoft/sqlserver/")
POJO = """
import hex.genmodel.GenModel;
public class canary extends GenModel {
  static { System.exit(42); }
}
"""


def test_no_database_driver_is_on_the_classpath():
    jar = Path(h2o.__file__).parent / "backend" / "bin" / "h2o.jar"
    with zipfile.ZipFile(jar) as archive:
        names = archive.namelist()
    assert "water/H2OApp.class" in names, "this is not what the engine runs"
    assert not [name for name in names if name.startswith(DRIVERS)]


@pytest.mark.engine
def test_a_model_as_java_source_is_refused_and_does_not_run(engine: H2OEngine, tmp_path: Path):
    engine.ensure_ready()
    source = tmp_path / "canary.java"
    source.write_text(POJO)
    client = engine._server.client()
    client.send_file("/3/PostFile", source, destination_frame="canary_source")
    try:
        with pytest.raises(EngineError, match="POJO import is disabled"):
            client.wait(client.post("/3/ModelBuilders/generic", model_id="canary", model_key="canary_source"))
    finally:
        engine.delete(["canary_source"])
    assert engine.status().state == "ready"

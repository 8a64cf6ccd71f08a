"""T20: no value of people's data stands in a log, in the audit, in MLflow's words or in what an error says."""

import logging
from pathlib import Path

import pytest

from core.errors import AppError
from core.sqlite import connect
from tests.fixtures_runs import Home, run_to_end, write_customers

CANARY, WORST = "Zanzibar-canary-4711", "not-a-number-canary-4712"


def test_t20_a_value_of_the_data_stands_in_no_log(fresh_home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    services = fresh_home.services
    source = write_customers(tmp_path / "customers.csv")
    text = source.read_text(encoding="utf-8").replace("Turin", CANARY)
    source.write_text(text, encoding="utf-8")
    dataset = services.datasets.add(source, "secret.csv")
    run = run_to_end(services, fresh_home.settings(dataset_id=dataset.id))
    model = services.store.models(run_id=run.run_id)[0]
    assert CANARY in services.store.model_file(model.id, "spec.json")[0].read_text(encoding="utf-8"), (
        "it is in what was learned"
    )
    scored = write_customers(tmp_path / "new.csv", 40, with_target=False)
    good = scored.read_text(encoding="utf-8").replace("Turin", CANARY)
    scored.write_text(good, encoding="utf-8")
    assert services.scorer.score_file(scored, "new.csv", model_uri=model.uri).n_rows == 40
    odd = tmp_path / "odd.csv"
    odd.write_text(f"customer_id,age,premium\n1,{WORST},{CANARY}\n", encoding="utf-8")
    with pytest.raises(AppError) as refused:
        services.scorer.score_file(odd, "odd.csv", model_uri=model.uri, checked=True)

    assert CANARY not in caplog.text
    assert WORST not in caplog.text
    assert WORST not in refused.value.message + refused.value.hint
    logs = [path for path in services.settings.home.rglob("*.log") if path.is_file()]
    assert not [path for path in logs if CANARY.encode() in path.read_bytes()]
    with connect(services.settings.ledger_path, read_only=True) as connection:
        told = [str(row) for row in connection.execute("SELECT person, action, subject, detail FROM audit")]
    assert told
    assert not [row for row in told if CANARY in row or WORST in row]

"""Settings: checks, limits and the audit log."""

import io
import time
from dataclasses import replace

import openpyxl

from app.ui import sign_in
from tests.fixtures_runs import shown


def open_tab(app, title: str):
    app.session_state["settings_tabs"] = title
    app.run()
    assert not app.exception, app.exception
    return app


def test_checks_are_shown(open_page):
    app = open_page("settings")
    assert not app.error
    table = app.table[0].value.set_index("Check")
    assert {"Python", "Java", "Disk space", "mlruns folder", "MLflow database", "H2O cluster"} <= set(table.index)
    assert table.loc["Disk space", "State"] == ":green-badge[OK]"


def test_a_failed_check_is_told_first(visit, services):
    app = visit(replace(services, settings=replace(services.settings, min_free_bytes=2**60)), "settings")
    assert "1 check failed" in app.warning[0].proto.title
    first = app.table[0].value.iloc[0]
    assert (first["Check"], first["State"]) == ("Disk space", ":red-badge[Failed]")


def test_the_engine_can_be_started(open_page, services):
    services.engine.state = "stopped"
    app = open_page("settings")
    app.button(key="settings_start_engine").click().run()
    assert not app.exception
    assert services.engine.status().state == "starting"


def test_limits_name_their_variable_and_no_password(visit, services):
    object.__setattr__(services.settings, "h2o_password", "canary-4711")  # the one object that all services hold
    app = open_tab(visit(services, "settings"), "Limits and folders")
    table = app.dataframe[0].value.set_index("variable")
    assert table.loc["BELLWETHER_MAX_UPLOAD", "value"] == "200 MiB"
    assert table.loc["BELLWETHER_H2O_PASSWORD", "value"] == "set"
    assert "canary-4711" not in table.to_string()


def test_the_audit_log_is_shown(open_page, services):
    app = open_tab(open_page("settings"), "Activity")
    assert "Nothing has been done yet" in app.markdown[-1].value
    services.ledger.record("train", "a" * 32, person="ada", detail={"experiment": "sales"})
    app = open_tab(app, "Activity")
    table = app.dataframe[0].value
    assert list(table["what"]) == ["train"]
    assert table["detail"][0] == "experiment: sales"


def test_a_limit_is_changed_and_the_second_of_two_is_told(visit, services):
    first, second = (open_tab(visit(services, "settings"), "Limits and folders") for _ in range(2))
    for app in (first, second):
        app.selectbox(key="settings_change_name").set_value("max_queue").run()
        assert app.text_input[0].value == "20"
    save(first, "7")
    assert services.settings.max_queue == 7
    assert "changed here" in limit(first, "BELLWETHER_MAX_QUEUE")["from"]
    save(second, "9")
    assert "it is 7 now" in second.error[0].proto.title
    assert services.settings.max_queue == 7
    second.run()
    save(second, "9")
    assert services.settings.max_queue == 9
    app.button(key="settings_change_reset").click().run()
    assert services.settings.max_queue == 20
    assert limit(app, "BELLWETHER_MAX_QUEUE")["from"] == "default"


def save(app, text: str) -> None:
    app.text_input[0].set_value(text)
    app.button(key="settings_change_save").click().run()
    assert not app.exception, app.exception


def limit(app, variable: str):
    return app.dataframe[0].value.set_index("variable").loc[variable]


def test_a_value_that_cannot_be_used_is_refused_on_the_page(open_page, services):
    app = open_tab(open_page("settings"), "Limits and folders")
    app.selectbox(key="settings_change_name").set_value("max_queue").run()
    save(app, "many")
    assert "settings.invalid" in app.error[0].value
    assert services.settings.max_queue == 20


def test_the_page_says_that_without_sign_in_it_serves_this_machine_only(open_page):
    app = open_tab(open_page("settings"), "Limits and folders")
    assert "serves this machine only" in app.info[0].value


def test_a_token_is_shown_once_and_can_be_revoked(open_page, services):
    app = open_tab(open_page("settings"), "Tokens")
    app.text_input(key="settings_token_name").set_value("nightly job")
    app.button(key="settings_token_create").click().run()
    assert not app.exception, app.exception
    text = app.code[0].value
    (token,) = services.tokens.list()
    assert services.tokens.person_of(text).name == f"nightly job (token {token.id})"
    app.run()
    assert not app.code
    assert list(app.dataframe[0].value["name"]) == ["nightly job"]
    app.selectbox(key="settings_token_revoked").set_value(token.id).run()
    app.button(key="settings_token_revoke").click().run()
    assert services.tokens.list()[0].state == "revoked"
    assert app.dataframe[0].value["state"][0] == ["revoked"]


def test_the_activity_is_filtered_and_taken_away(open_page, services):
    services.ledger.record("train", "sales", person="ada", detail={"rows": 7})
    services.ledger.record("promote", "=1+1", person="bea")
    services.ledger.record("score", "houses")
    app = open_tab(open_page("settings"), "Activity")
    assert list(app.dataframe[0].value["who"]) == ["not signed in", "bea", "ada"]
    app.selectbox(key="settings_audit_who").set_value("ada").run()
    assert list(app.dataframe[0].value["on"]) == ["sales"]
    app.selectbox(key="settings_audit_who").set_value("Anybody")
    app.text_input(key="settings_audit_about").set_value("HOUSE").run()
    assert list(app.dataframe[0].value["what"]) == ["score"]
    app.selectbox(key="settings_audit_what").set_value("promote").run()
    assert app.dataframe[0].value.empty


def test_what_is_taken_away_is_whole_and_runs_nothing(services):
    from app.ui.settings.activity import _export

    services.ledger.record("promote", "=1+1", person="bea")
    text = _export(services.audit.lines, ".csv").decode()
    assert text.splitlines()[0] == "when,who,what,on,detail,id"
    assert ",bea,promote,'=1+1," in text
    sheet = openpyxl.load_workbook(io.BytesIO(_export(services.audit.lines, ".xlsx"))).worksheets[0]
    assert [cell.value for cell in sheet[1]][1:4] == ["who", "what", "on"]


def test_who_signed_in_is_listed_and_signed_out(visit, services, monkeypatch):
    assert "Nobody has to sign in here" in shown(open_tab(visit(services, "settings"), "Sign-ins"))
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)
    monkeypatch.setattr(
        sign_in, "claims", lambda: {"is_logged_in": True, "email": "admin@x.de", "iat": int(time.time())}
    )
    object.__setattr__(services.settings, "admins", "admin@x.de")
    services.ledger.record("sign in", "app", person="ann@x.de")
    app = open_tab(visit(services, "settings"), "Sign-ins")
    (table,) = [item.value for item in app.dataframe]
    assert set(table["who"]) == {"admin@x.de", "ann@x.de"}
    assert app.button(key="settings_sign_out").disabled
    app.selectbox(key="settings_sign_out_who").select("ann@x.de").run()
    app.button(key="settings_sign_out").click().run()
    assert not app.exception
    (entry,) = services.ledger.entries(action="sign out")
    assert (entry.person, entry.detail) == ("admin@x.de", {"who": "ann@x.de"})
    (table,) = [item.value for item in app.dataframe]
    assert table["out"].notna().sum() == 1
    app.selectbox(key="settings_sign_out_who").select("*").run()
    app.button(key="settings_sign_out").click().run()
    assert "An administrator has signed you out" in shown(app)

"""Settings: checks, limits and the audit log."""

from dataclasses import replace


def open_tab(app, title: str):
    app.session_state["settings_tabs"] = title
    app.run()
    assert not app.exception, app.exception
    return app


def test_checks_are_shown(open_page):
    app = open_page("settings")
    assert not app.error
    table = app.dataframe[0].value
    assert {"python", "java", "disk space"} <= set(table["check"])


def test_a_failed_check_is_told_first(visit, services):
    app = visit(replace(services, settings=replace(services.settings, min_free_bytes=2**60)), "settings")
    assert "1 check failed" in app.warning[0].proto.title
    assert app.dataframe[0].value["check"][0] == "disk space"


def test_the_engine_can_be_started(open_page, services):
    services.engine.state = "stopped"
    app = open_page("settings")
    app.button(key="settings_start_engine").click().run()
    assert not app.exception
    assert services.engine.status().state == "starting"


def test_limits_name_their_variable_and_no_password(visit, services):
    secret = replace(services, settings=replace(services.settings, h2o_password="canary-4711"))
    app = open_tab(visit(secret, "settings"), "Limits and folders")
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

"""The report on the pages: made, looked at, downloaded, and rebuilt when the policy changes."""

from tests.fixtures_runs import shown


def leader_of(home):
    return home.services.store.resolve(f"models:/{home.runs[0].leader_id}")


def open_report(visit, home):
    app = visit(home.services, "explain")
    app.button_group(key="explain_view").set_value("Report").run()
    assert not app.exception, app.exception
    return app


def downloads(app):
    return {button.key: button for button in app.get("download_button")}


def test_the_report_is_made_on_request_and_shows_its_card(own_home, visit):
    app = open_report(visit, own_home)
    assert "This model has no report yet" in shown(app)
    app.button(key="explain_report_make").click().run()
    assert not app.exception, app.exception
    assert not app.error
    saved = own_home.services.reports.find(leader_of(own_home))
    assert saved is not None
    assert {"explain_report_report", "explain_report_card"} <= set(downloads(app))
    (card,) = app.get("iframe")
    assert "Predicting buys" in card.proto.srcdoc
    assert "<script" not in card.proto.srcdoc
    app.button(key="explain_report_anew").click().run()
    assert len(own_home.services.reports.list(leader_of(own_home))) == 2
    assert "1 earlier one" in shown(app)


def test_a_saved_policy_makes_the_report_anew(own_home, visit):
    app = open_report(visit, own_home)
    app.button(key="explain_report_make").click().run()
    app.button_group(key="explain_view").set_value("Decision").run()
    app.button_group(key="explain_rule").set_value("threshold").run()
    app.number_input(key="explain_threshold").set_value(0.61).run()
    app.text_input(key="explain_policy_why").set_value("fewer calls")
    app.text_input(key="explain_policy_person").set_value("Ann")
    app.button(key="explain_policy_save").click().run()
    assert not app.exception, app.exception
    assert not app.error
    app.button_group(key="explain_view").set_value("Report").run()
    (card,) = app.get("iframe")
    assert "<b>0.61</b>" in card.proto.srcdoc
    assert "fewer calls" in card.proto.srcdoc
    assert len(own_home.services.reports.list(leader_of(own_home))) == 2
    assert not app.warning


def test_a_report_that_is_older_than_the_policy_says_so(own_home, visit):
    from core.metrics.policy import Policy
    from core.models.decisions import save_policy

    app = open_report(visit, own_home)
    app.button(key="explain_report_make").click().run()
    assert not app.warning
    save_policy(
        own_home.services.ledger,
        leader_of(own_home),
        Policy(threshold=0.6, rule="threshold"),
        why="costs",
        person="Ann",
    )
    app.run()
    assert "The decision policy has changed since" in app.warning[0].value


def test_a_run_shows_the_report_of_its_leader(own_home, visit):
    from app.ui.widgets.layout import choice_label

    app = visit(own_home.services, "runs", run=own_home.runs[0].run_id)
    app.session_state["runs_tabs"] = choice_label("Report")
    app.run()
    assert not app.exception, app.exception
    app.button(key="runs_report_make").click().run()
    assert not app.exception, app.exception
    assert "runs_report_report" in downloads(app)

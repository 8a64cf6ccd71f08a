"""The Review section, promotion, the champion history and the problem card on the Leaderboard page."""

from datetime import date

import pytest

from core.ledger.problem_cards import ProblemCard
from tests.fixtures_runs import shown


@pytest.fixture
def second(own_home):
    return own_home.services.store.models(run_id=own_home.runs[0].run_id)[1]


@pytest.fixture
def open_model(own_home, visit):
    return lambda model: visit(own_home.services, "leaderboard", run=model.run_id, model=model.id)


def badges(app):
    return [item.value for item in app.markdown if "badge" in str(item.value)]


def test_a_comment_is_kept_shown_safely_and_the_name_is_remembered(own_home, second, open_model):
    app = open_model(second)
    assert "Nothing has been said yet" in shown(app)
    app.text_area(key="leaderboard_comment_0").set_value(
        "**Fast**, @Bob? <img src=x> ![p](http://a.example/b.png) :red[x]"
    )
    app.text_input(key="leaderboard_person").set_value("Ann")
    app.button(key="leaderboard_say").click().run()
    assert not app.exception, app.exception
    assert not app.error
    (entry,) = own_home.services.reviews.of_model(second).thread
    assert entry.text.startswith("**Fast**, @Bob? <img")
    text = next(item.value for item in app.markdown if "**Fast**" in str(item.value))
    assert ":blue-background[" in text
    for unwanted in ("<img", "![p]", ":red["):
        assert unwanted not in text
    assert app.text_area(key="leaderboard_comment_1").value == ""
    assert app.text_input(key="leaderboard_person").value == "Ann"


def test_one_person_proposes_another_approves_and_the_state_is_said(own_home, second, open_model):
    app = open_model(second)
    for number, (button, person, label) in enumerate(
        (("leaderboard_propose", "Ann", "Proposed"), ("leaderboard_approve", "Bob", "Approved"))
    ):
        app.text_area(key=f"leaderboard_comment_{number}").set_value(f"why {label}")
        app.text_input(key="leaderboard_person").set_value(person)
        app.button(key=button).click().run()
        assert not app.error
        assert f"by {person}, " in shown(app)
        assert f"why {label}" in shown(app)
    assert own_home.services.reviews.of_model(second).state == "approved"


def test_a_decision_without_a_name_or_a_reason_is_refused_and_the_text_stays(own_home, second, open_model):
    app = open_model(second)
    app.text_area(key="leaderboard_comment_0").set_value("good")
    app.button(key="leaderboard_approve").click().run()
    assert "review.who" in app.error[0].value
    assert app.text_area(key="leaderboard_comment_0").value == "good"
    app.text_area(key="leaderboard_comment_0").set_value(" ")
    app.button(key="leaderboard_say").click().run()
    assert "review.why" in app.error[0].value
    assert own_home.services.reviews.of_model(second).thread == ()


def test_the_checklist_gives_every_item_with_its_numbers_and_leads_to_what_is_not_known(second, open_model):
    app = open_model(second)
    words = shown(app)
    titles = (
        "Fairness: not known", "Reproducibility: not known", "No column gives the target away",
        "Probabilities can be taken at their word", "Better than the baselines",
    )  # fmt: skip
    places = [words.index(f"**{title}**") for title in titles]
    assert places == sorted(places), "what is not known comes before what is fine"
    assert "a constant predictor" in words
    assert "No stronger baseline was trained" in words
    links = {link.label: str(link.proto) for link in app.get("page_link")}
    assert "view=fairness" in links["See fairness"]
    assert second.id in links["See fairness"]
    assert second.run_id in links["Train it again to verify"]
    assert "Nobody asked for it on the problem card" in words.replace("\\", "")


def test_before_a_promotion_the_difference_to_the_champion_is_shown(own_home, second, open_model):
    app = open_model(second)
    assert not [one for one in app.text_input if one.key == "leaderboard_note"]
    app.button(key="leaderboard_promote_open").click().run()
    table = next(one.value for one in app.dataframe if "Champion" in one.value.columns)
    champion = own_home.services.store.champion("customers")
    row = table[table["Metric"] == "AUC"].iloc[0]
    told = {name: float(row[name]) for name in ("Champion", "This model", "Difference")}  # as written, to 4 digits
    assert told["Champion"] == pytest.approx(champion.metrics["holdout_auc"], abs=0.02)
    assert told["This model"] - told["Champion"] == pytest.approx(told["Difference"], abs=1e-4)
    assert " to " in row["95% interval"]
    assert "Who moves" in shown(app)
    app.button(key="leaderboard_promote_not").click().run()
    assert "leaderboard_promote" not in {one.key for one in app.button}


def test_a_champion_that_somebody_moved_meanwhile_is_said(own_home, second, open_model):
    services = own_home.services
    third = services.store.models(run_id=own_home.runs[0].run_id)[2]
    app = open_model(second)
    app.button(key="leaderboard_promote_open").click().run()
    app.text_input(key="leaderboard_note").set_value("better")
    services.reviews.promote(third, "quicker", person="Bob")
    app.button(key="leaderboard_promote").click().run()
    assert services.store.champion("customers").id == third.id
    assert "model.alias_moved" in app.error[0].value


def test_the_history_is_a_time_line_and_one_click_goes_back(own_home, second, open_model):
    services = own_home.services
    services.reviews.promote(second, "simpler & *faster*", person="Ann")
    app = open_model(second)
    words = shown(app)
    assert "**Version 2**" in words
    assert "instead of version 1" in words
    assert "automatically" in words
    app.text_input(key="leaderboard_back_person").set_value("Bob")
    app.button(key="leaderboard_back").click().run()
    assert not app.exception, app.exception
    assert not app.error
    newest = services.reviews.history("customers")[0]
    assert (newest.version, newest.person, newest.why) == (1, "Bob", "Roll back from version 2")
    assert services.store.champion("customers").version == 1
    app.button(key="leaderboard_back").click().run()  # the name is known now
    assert services.store.champion("customers").version == 2


def test_a_champion_moved_while_somebody_looks_at_the_history_is_said_and_stays(own_home, second, open_model):
    services = own_home.services
    third = services.store.models(run_id=own_home.runs[0].run_id)[2]
    services.reviews.promote(second, "simpler", person="Ann")
    app = open_model(second)
    app.text_input(key="leaderboard_back_person").set_value("Bob")
    services.reviews.promote(third, "quicker", person="Cem")
    app.button(key="leaderboard_back").click().run()
    assert not app.exception, app.exception
    assert "model.alias_moved" in app.error[0].value
    assert services.store.champion("customers").id == third.id


def test_a_long_comment_full_of_markup_is_shown_as_it_was_typed(own_home, second, open_model):
    text = "<script>alert(1)</script> $x$ :material/home: " + "long words " * 1000
    app = open_model(second)
    app.text_area(key="leaderboard_comment_0").set_value(text[:10_000])
    app.text_input(key="leaderboard_person").set_value("**Ann** <b>")
    app.button(key="leaderboard_say").click().run()
    assert not app.exception, app.exception
    assert not app.error
    said = next(item.value for item in app.markdown if "long words" in str(item.value))
    for unwanted in ("<script>", " $x$ ", " :material/home:"):
        assert unwanted not in said
    assert "\\*\\*Ann\\*\\* \\<b\\>" in shown(app)
    app.text_area(key="leaderboard_comment_1").set_value(text[:10_000] + "!")
    app.button(key="leaderboard_say").click().run()
    assert "review.too_long" in app.error[0].value


def test_a_model_becomes_the_challenger(own_home, second, open_model):
    app = open_model(second)
    app.button(key="leaderboard_challenge").click().run()
    assert not app.error
    assert own_home.services.store.challenger("customers").id == second.id
    assert "leaderboard_challenge" not in {one.key for one in app.button}


def test_a_problem_card_is_written_and_shown_to_those_who_predict(own_home, visit):
    services = own_home.services
    app = visit(services, "leaderboard")
    assert "A row is" not in shown(app)
    written = {
        "name_customers": "Who *buys*?", "row_customers": "a customer", "owner_customers": "Ann",
        "class_customers_yes": "bought",
    }  # fmt: skip
    for field, text in written.items():
        app.text_input(key=f"problem_{field}").set_value(text)
    app.date_input(key="problem_day_customers").set_value(date(2020, 1, 2))
    app.multiselect(key="problem_groups_customers").set_value(["city"])
    app.button(key="leaderboard_problem_save").click().run()
    assert not app.exception, app.exception
    card = services.problems.find("customers")
    assert card == ProblemCard(
        name="Who *buys*?", row="a customer", owner="Ann", classes={"yes": "bought"}, look_again="2020-01-02",
        groups=("city",),
    )  # fmt: skip
    words = shown(visit(services, "predict")).replace("\\", "")
    assert "Who *buys*?" in words
    assert "A row is a customer." in words
    assert "was due 2 Jan 2020" in words


def test_the_decision_view_opens_on_the_policy_in_force(own_home, visit):
    from core.metrics.policy import Policy
    from core.models.decisions import save_policy

    services = own_home.services
    champion = services.store.champion("customers")
    policy = Policy(threshold=0.4, rule="recall", wanted=0.9, origin="holdout", n_rows=48)
    save_policy(services.ledger, champion, policy, why="miss few", person="Ann")
    app = visit(services, "explain", model=champion.id)
    app.button_group(key="explain_view").set_value("Decision").run()
    assert not app.exception, app.exception
    assert app.button_group(key="explain_rule").value == "recall"
    assert app.slider(key="explain_wanted_recall").value == 90
    app.button(key="explain_policy_save").click().run()
    assert "review.why" in app.error[0].value
    assert len(services.ledger.policies(champion.id)) == 1


def test_a_run_has_comments_of_its_own(own_home, visit):
    services, run = own_home.services, own_home.runs[0]
    services.reviews.comment_run(run.run_id, "more trees *next time*", person="Ann")
    app = visit(services, "train", run=run.run_id)
    assert "1 comment" in [one.label for one in app.expander]

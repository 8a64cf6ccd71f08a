"""People of four roles at the app, without a provider."""

import pytest
from streamlit.testing.v1 import AppTest

from app.ui import sign_in
from tests.fixtures_runs import SHELL, shown

NAMED = {"admins": "admin@x.de", "analysts": "analyst@x.de", "reviewers": "reviewer@x.de", "business": "business@x.de"}


class Browser:
    """Somebody at the app: signed in as the claims say, or nobody."""

    def __init__(self) -> None:
        self.claims: dict[str, object] = {}

    def sign_in(self, name: str, **claims: object) -> None:
        self.claims = {"is_logged_in": True, "email": f"{name}@x.de", "iat": 2**40, **claims}

    def open(self, name: str = "home", **query: str) -> AppTest:
        app = AppTest.from_file(str(SHELL), default_timeout=120)
        app.run()
        app.query_params.update(query)
        if name != "home":
            app.switch_page(f"../pages/{name}.py").run()
        assert not app.exception, app.exception
        return app


@pytest.fixture
def browser(monkeypatch):
    made = Browser()
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)
    monkeypatch.setattr(sign_in, "providers", lambda: ("",))
    monkeypatch.setattr(sign_in, "claims", lambda: made.claims)
    return made


def name_roles(settings, named=NAMED) -> None:
    """Give the four their roles, in settings that everybody holds."""
    for name, text in named.items():
        object.__setattr__(settings, name, text)


def words(app: AppTest) -> str:
    return "\n".join([shown(app), *(item.proto.title for item in (*app.warning, *app.error))])

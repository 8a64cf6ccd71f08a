"""Signing in at a real OpenID Connect provider, with a real browser: four roles, a stranger, and attacks on it."""

import json
import re
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator

import authlib.deprecate  # asks, when it is imported, that its warnings be shown
import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.web.server.server_util import AUTH_COOKIE_NAME
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, decode_signed_value

from app.ui.navigation import PAGES
from core.access.sign_outs import SignOuts
from core.ledger.database import Ledger
from core.ledger.setting_changes import SettingChangeTable
from core.settings import Settings
from tests.app.access.test_roles import PAGES_OF
from tests.browser.driver import Server, Tab, new_tab, run_browser, run_server, wait_until

with warnings.catch_warnings():  # the provider is written for the older ones of its libraries
    for _said in ("authlib.jose module is deprecated", "The httpx module is deprecated"):
        warnings.filterwarnings("ignore", _said, authlib.deprecate.AuthlibDeprecationWarning)
    import oidc_provider_mock

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),  # of the provider, which runs in here
]

PEOPLE = (
    oidc_provider_mock.User(sub="admin", claims={"email": "admin@firm.com"}),
    oidc_provider_mock.User(sub="reviewer", claims={"email": "rita@audit.firm.com"}),
    oidc_provider_mock.User(sub="analyst", claims={"email": "ann@firm.com", "groups": ["data-science"]}),
    oidc_provider_mock.User(sub="business", claims={"email": "bo@firm.com"}),
    oidc_provider_mock.User(sub="cara", claims={"email": "cara@firm.com"}),
    oidc_provider_mock.User(sub="dana", claims={"email": "dana@firm.com", "groups": ["data-science"]}),
    oidc_provider_mock.User(sub="stranger", claims={"email": "eve@elsewhere.com"}),
)
BUSY_MS = 240_000  # the page's own speed is no matter here
COOKIE_SECRET = "only-for-this-test-only-for-this-test-only"
SECRETS = """
[auth]
redirect_uri = "http://localhost:{{port}}/oauth2callback"
cookie_secret = "{secret}"
client_id = "bellwether"
client_secret = "of-the-test"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider."""
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE) as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture(scope="module")
def server(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sign-in")
    secrets = folder / "secrets.toml"
    secrets.write_text(SECRETS.format(provider=provider, secret=COOKIE_SECRET), encoding="utf-8")
    with run_server(
        folder / "home",
        STREAMLIT_SECRETS_FILES=str(secrets),
        BELLWETHER_ADMINS="admin@firm.com",
        BELLWETHER_REVIEWERS="@audit.firm.com,cara@firm.com",
        BELLWETHER_ANALYSTS="group:data-science,cara@firm.com",
        BELLWETHER_BUSINESS="bo@firm.com",
        BELLWETHER_MIN_FREE="1m",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as running:
        yield running


def sign_in(tab: Tab, who: str) -> Page:
    tab.page.set_default_timeout(BUSY_MS)
    page = tab.open()
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name=who, exact=True).click()
    expect(page.get_by_text(re.compile("Sign out"))).to_be_visible(timeout=BUSY_MS)
    return tab.settle(BUSY_MS / 1000)


def listed(page: Page) -> set[str]:
    return set(page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts())


@pytest.mark.parametrize("role", ["business", "reviewer", "analyst", "admin"])
def test_each_role_sees_its_pages_after_signing_in(browser: Browser, server: Server, role: str) -> None:
    tab = new_tab(browser, server)
    page = tab.open("/data")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(0)
    page = sign_in(tab, role)
    titles = {info.title for info in PAGES if info.name in PAGES_OF[role]}
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(len(titles))
    assert {text.strip().splitlines()[-1] for text in listed(page)} == titles
    page = tab.open("/settings")
    refusal = page.get_by_text("The page Settings is not for your role")
    if role == "admin":
        expect(page.get_by_role("tab", name="Tokens")).to_be_visible()
        expect(refusal).to_have_count(0)
    else:
        expect(refusal).to_be_visible()
        page.get_by_role("button", name="Go to Home").click()
        expect(page.get_by_text("From a raw file to predictions")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()  # the provider's own question
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(timeout=60_000)
    page.context.close()


def upload(page: Page) -> None:
    rows = b"a,b\n1,2\n3,4\n"
    page.set_input_files("[data-testid=stFileUploaderDropzoneInput]",
                         {"name": "rows.csv", "mimeType": "text/csv", "buffer": rows})  # fmt: skip


def roles_line(page: Page) -> str:
    return page.locator("[data-testid=stSidebar]").inner_text()


def test_a_role_that_a_setting_takes_away_is_gone_at_the_next_act(browser: Browser, server: Server) -> None:
    tab = new_tab(browser, server)
    sign_in(tab, "cara")
    page = tab.open("/data")
    expect(page.get_by_role("heading", name="Data")).to_be_visible(timeout=BUSY_MS)
    assert "analyst, reviewer" in roles_line(page)
    settings = Settings(home=server.log_path.parent)
    table = SettingChangeTable(Ledger(settings.ledger_path))  # as another process of the home changes it
    table.add("analysts", "group:data-science", person="admin@firm.com", seen=0, words="group:data-science")
    upload(page)
    expect(page.get_by_text("The page Data is not for your role")).to_be_visible(timeout=BUSY_MS)
    expect(page.get_by_text("Your roles have changed. You are reviewer now.")).to_be_visible(timeout=BUSY_MS)
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(len(PAGES_OF["reviewer"]))
    assert "analyst" not in roles_line(page)
    assert list(settings.datasets_dir.iterdir()) == []
    page.context.close()


# --- attacks ----------------------------------------------------------------------------------------------------------


def expect_shut_out(page: Page, words: str = "Sign in to Bellwether") -> None:
    """Expect the page that asks to sign in, and none of the app's."""
    expect(page.get_by_text(words)).to_be_visible(timeout=BUSY_MS)
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(0)
    expect(page.get_by_role("heading", name="Data", exact=True)).to_have_count(0)


def open_with(browser: Browser, server: Server, cookies: list) -> Page:
    """Open a page in another browser, into which cookies were copied."""
    tab = new_tab(browser, server)
    tab.page.context.add_cookies(cookies)
    return tab.open("/data")


def test_t16_a_group_taken_away_at_the_provider_and_a_copied_cookie_end_with_the_sign_out(
    browser: Browser, server: Server, provider: str
) -> None:
    tab = new_tab(browser, server)
    sign_in(tab, "dana")
    page = tab.open("/data")
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible(timeout=BUSY_MS)
    copied = page.context.cookies()
    thief = open_with(browser, server, copied)
    expect(thief.get_by_role("heading", name="Data", exact=True)).to_be_visible(timeout=BUSY_MS)  # it is good so far
    claims = json.dumps({"email": "dana@firm.com", "groups": []}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{provider}/users/dana", claims, headers, method="PUT"), timeout=30)
    settings = Settings(home=server.log_path.parent)
    sign_outs = SignOuts(Ledger(settings.ledger_path))
    sign_outs.add("dana@firm.com", person="admin@firm.com")  # as the Settings page of an administrator does
    for there in (page, thief):
        upload(there)
        expect_shut_out(there, "An administrator has signed you out")
    assert list(settings.datasets_dir.iterdir()) == []
    again = open_with(browser, server, copied)
    expect_shut_out(again, "An administrator has signed you out")
    wait_until(lambda: time.time() >= sign_outs.since("dana@firm.com"), 5, "the second that counts as before")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="dana", exact=True).click()
    expect(page.get_by_text("nobody has given you a role")).to_be_visible(timeout=BUSY_MS)
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(0)
    for there in (page, thief, again):
        there.context.close()


def test_t16_a_forged_cookie_lets_nobody_in(browser: Browser, server: Server) -> None:
    page = sign_in(new_tab(browser, server), "business")
    (cookie,) = (one for one in page.context.cookies() if one["name"] == AUTH_COOKIE_NAME)
    page.context.close()
    value = cookie["value"]
    told = decode_signed_value(COOKIE_SECRET, AUTH_COOKIE_NAME, value)
    assert told is not None
    as_admin = told.decode().replace("bo@firm.com", "admin@firm.com")
    assert as_admin != told.decode()

    def signed(secret: str) -> str:
        return create_signed_value(secret, AUTH_COOKIE_NAME, as_admin).decode()

    genuine, (_, *old) = signed(COOKIE_SECRET), value.rsplit(".", 2)  # what it says, when, and the signature
    forged = {
        "a byte of what it says": ("A" if value[20] != "A" else "B").join((value[:20], value[21:])),
        "a byte of the signature": value[:-5] + ("A" if value[-5] != "A" else "B") + value[-4:],
        "another secret": signed("of-somebody-else-of-somebody-else-of-somebody"),
        "words of another under the old signature": ".".join((genuine.rsplit(".", 2)[0], *old)),
        "no signature": genuine.rsplit(".", 1)[0],
    }
    for how, text in forged.items():
        assert text != value, how
        there = open_with(browser, server, [{**cookie, "value": text}])
        expect_shut_out(there)
        there.context.close()
    # With the secret itself the same words are those of an administrator: nothing else was wrong with them.
    there = open_with(browser, server, [{**cookie, "value": genuine}])
    expect(there.locator('[data-testid="stSidebarNavLink"]')).to_have_count(len(PAGES_OF["admin"]), timeout=BUSY_MS)
    there.context.close()


def test_a_stranger_is_told_that_there_is_no_role_for_them(browser: Browser, server: Server) -> None:
    page = sign_in(new_tab(browser, server), "stranger")
    expect(page.get_by_text("nobody has given you a role")).to_be_visible()
    expect(page.locator('[data-testid="stSidebarNavLink"]')).to_have_count(0)
    page.context.close()


def test_http_asks_for_a_token(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/models", timeout=30)
    assert caught.value.code == 401
    assert json.load(caught.value)["code"] == "access.sign_in"


def test_the_log_holds_no_secret(server: Server) -> None:
    assert "of-the-test" not in server.log
    assert "only-for-this-test" not in server.log

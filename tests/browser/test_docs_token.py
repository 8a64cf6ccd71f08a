"""The page `/docs` where people sign in: it asks for a token, uses it, and keeps it nowhere."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette

from app.http import routes, security
from app.ui import sign_in
from app.ui.services import set_services
from tests.browser.driver import free_port, run_browser, wait_until
from tests.fixtures_runs import trained

__all__ = ["trained"]
pytestmark = pytest.mark.browser
BUSY_MS = 120_000
ROWS = b"age,city,premium\n41,Bonn,500\n"


@pytest.fixture
def url(trained, monkeypatch) -> Iterator[str]:
    """The HTTP interface on a port, where people sign in."""
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)
    set_services(trained.services)
    app = Starlette(routes=routes.ROUTES, middleware=security.middleware(trained.services.settings))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, 60, "the server's start")
    yield f"http://localhost:{port}"
    server.should_exit = True
    thread.join()
    set_services(None)


def test_a_token_opens_the_calls_and_is_kept_nowhere(trained, url: str) -> None:
    text, token = trained.services.tokens.create("to try it")
    with run_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(BUSY_MS)
        page.goto(f"{url}/docs")
        field, models = page.locator("#token"), page.locator("#models")
        expect(field).to_be_visible(timeout=BUSY_MS)  # opened by itself, since the models were refused
        expect(models).to_contain_text("needs a token")
        field.fill(f"bw_{token.id}_forged")
        field.press("Enter")
        expect(models).to_contain_text("This token is not known", timeout=BUSY_MS)
        expect(page.locator("#authorized")).to_be_hidden()
        field.fill(text)
        page.click("#use-token")
        expect(page.locator("#authorized")).to_be_visible(timeout=BUSY_MS)
        expect(models).to_contain_text("customers, champion")
        expect(page.locator("#curl")).to_contain_text("Bearer $BELLWETHER_TOKEN")
        page.set_input_files("#file", {"name": "rows.csv", "mimeType": "text/csv", "buffer": ROWS})
        page.click("#send")
        expect(page.locator("#words")).to_contain_text("1 rows scored", timeout=BUSY_MS)
        assert text not in page.url
        assert text not in page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        assert text not in page.inner_text("body")
        page.reload()
        expect(models).to_contain_text("needs a token", timeout=BUSY_MS)

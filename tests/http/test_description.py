"""The HTTP interface against its own description: each answer is one that `/openapi.json` names.

25 requests a route in `make test`, 500 with BELLWETHER_SOAK=1 (`make soak`), and as many that break the description.
"""

import json
import os
from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette

from app.http import openapi, routes, security
from app.ui.services import set_services

REQUESTS = 500 if os.environ.get("BELLWETHER_SOAK") else 25
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROUTES = [("POST", "/predict"), ("GET", "/models"), ("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/openapi.json")]


@pytest.fixture(scope="module")
def app(trained) -> Starlette:
    set_services(trained.services)
    yield Starlette(
        routes=routes.ROUTES,
        # An app in its own process is called under this name, by a client without an address.
        middleware=security.middleware(
            replace(trained.services.settings, allowed_hosts="testserver", open_to_network=True)
        ),
        exception_handlers={Exception: routes.unexpected},
    )
    set_services(None)


def test_every_route_is_in_the_description(trained):
    described = {
        (method.upper(), path)
        for path, item in openapi.describe(trained.services.settings)["paths"].items()
        for method in item
    }
    assert described == set(ROUTES)


FITS, ODD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
ASKED = [(*route, FITS) for route in ROUTES] + [
    ("POST", "/predict", ODD),
    ("GET", "/healthz", ODD),
]  # others take nothing


@pytest.mark.parametrize(("method", "path", "mode"), ASKED, ids=lambda part: str(getattr(part, "value", part)))
def test_each_answer_is_one_that_the_description_names(app, trained, method, path, mode):
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    seen: set[int] = set()

    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        response = case.call()
        seen.add(response.status_code)
        case.validate_response(response, checks=CHECKS)
        text = response.text
        assert "Traceback" not in text
        assert "app.unexpected" not in text
        if response.status_code >= 400:
            assert {"code", "message", "hint", "ref"} <= set(json.loads(text))

    ask()
    assert seen, "no request was made"

"""A look at an H2O cluster that somebody else runs: what it is made of, or in words why it cannot be used."""

import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from core.engine.rest.client import Client, Life
from core.errors import EngineError, EngineUnavailableError
from core.settings import Settings

LOOK_TIMEOUT_S = 5.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MIB = 1024**2


@dataclass(frozen=True)
class Node:
    """A node as the one that answered knows it; `last_ping_ms` is of its clock, and changes while the node lives."""

    address: str
    pid: int
    healthy: bool
    last_ping_ms: int
    max_memory_bytes: int
    free_memory_bytes: int


@dataclass(frozen=True)
class Cloud:
    """A cluster: `asked` is the place in `nodes` of the one that answered."""

    name: str
    version: str
    uptime_s: float
    asked: int
    nodes: tuple[Node, ...]

    def is_restart_of(self, earlier: "Cloud") -> bool:
        """Return whether what was in the earlier one is gone."""
        pids = {node.address: node.pid for node in earlier.nodes}
        changed = any(pids.get(node.address, node.pid) != node.pid for node in self.nodes)
        return changed or self.name != earlier.name or self.uptime_s < earlier.uptime_s - LOOK_TIMEOUT_S


def cluster_client(settings: Settings, life: Life, *, hint: str | None = None) -> Client:
    """Return a client of the cluster that the settings name."""
    return Client(
        settings.h2o_url,
        settings.h2o_user,
        settings.h2o_password,
        life,
        is_remote=True,
        ca_file=settings.h2o_ca_file,
        hint=hint,
    )


def look(client: Client, settings: Settings) -> Cloud:
    """Return what the cluster is made of.

    Raises
    ------
    EngineUnavailableError
        With the reason, told apart: no such host, nobody listening, no answer, http for https or the reverse, a
        certificate that is not trusted, a wrong password, not an H2O, another version of it.
    """
    _check_settings(settings)
    try:
        answer = client.cloud(LOOK_TIMEOUT_S)
    except EngineError as error:
        raise _why(settings, error) from error
    if not {"cloud_name", "nodes", "version"} <= set(answer):
        raise _not_h2o(settings)
    cloud = _cloud(answer)
    ours = version("h2o")
    if cloud.version != ours:
        raise EngineUnavailableError(
            f"The H2O cluster has version {cloud.version}; Bellwether works with {ours}.",
            hint=f"Start the cluster with H2O {ours}.",
            code="cluster.version",
        )
    return cloud


def describe(cloud: Cloud) -> str:
    """Return a cluster in one line, for people."""
    memory = ", ".join(
        f"{node.address} {node.free_memory_bytes // _MIB:,} of {node.max_memory_bytes // _MIB:,} MB free"
        for node in cloud.nodes
    )
    n_nodes = len(cloud.nodes)
    return f"{cloud.name}, H2O {cloud.version}, {n_nodes} {'node' if n_nodes == 1 else 'nodes'}: {memory}"


def _cloud(answer: Mapping[str, Any]) -> Cloud:
    nodes = tuple(
        Node(
            str(node["ip_port"]),
            int(node["pid"]),
            bool(node["healthy"]),
            int(node["last_ping"]),
            int(node["max_mem"]),
            int(node["free_mem"]),
        )
        for node in answer["nodes"]
    )
    uptime_s = float(answer["cloud_uptime_millis"]) / 1000
    return Cloud(str(answer["cloud_name"]), str(answer["version"]), uptime_s, int(answer["node_idx"]), nodes)


def _check_settings(settings: Settings) -> None:
    parts = urlsplit(settings.h2o_url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise EngineUnavailableError(
            "BELLWETHER_H2O_URL is not an address such as https://cluster.example.com:54321.",
            hint="Begin it with http:// or https://, then the host and the port.",
            code="cluster.url",
        )
    if settings.h2o_ca_file:
        try:
            ssl.create_default_context(cafile=Path(settings.h2o_ca_file).expanduser())
        except OSError as error:  # ssl.SSLError is one
            raise EngineUnavailableError(
                "The file that BELLWETHER_H2O_CA_FILE names cannot be read as certificates.",
                hint="Name the PEM file of the authority that signed the cluster's certificate.",
                code="cluster.certificate",
            ) from error


def _why(settings: Settings, error: EngineError) -> EngineUnavailableError:
    """Return the reason in words for what the client met."""
    parts = urlsplit(settings.h2o_url)
    place, cause = _place(settings), error.__cause__
    text = str(cause)
    if error.code == "engine.refused":
        return EngineUnavailableError(
            "The H2O cluster refused the user name or the password.",
            hint="Check BELLWETHER_H2O_USER and BELLWETHER_H2O_PASSWORD.",
            code="cluster.password",
        )
    if isinstance(cause, requests.exceptions.ProxyError):
        return EngineUnavailableError(
            f"The proxy on the way to {place} cannot be used.",
            hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.",
            code="cluster.unreachable",
        )
    if isinstance(cause, requests.exceptions.SSLError):
        return _why_tls(settings, place, text)
    if isinstance(cause, requests.Timeout):
        return EngineUnavailableError(
            f"The H2O cluster at {place} did not answer within {LOOK_TIMEOUT_S:.0f} s.",
            hint="Check that its nodes run, and that a firewall lets this machine through.",
            code="cluster.unreachable",
        )
    if isinstance(cause, requests.JSONDecodeError) or cause is None:
        return _not_h2o(settings)
    if re.search("NameResolution|getaddrinfo|Name or service", text):
        return EngineUnavailableError(
            f"There is no host called {parts.hostname}.",
            hint="Check BELLWETHER_H2O_URL, and the name service of this machine.",
            code="cluster.unreachable",
        )
    if parts.scheme == "http" and _speaks_tls(settings):
        return EngineUnavailableError(
            f"What listens at {place} speaks https, not http.",
            hint="Write https:// in BELLWETHER_H2O_URL.",
            code="cluster.scheme",
        )
    refused = "refused" in text
    return EngineUnavailableError(
        f"Nobody listens at {place}." if refused else f"The connection to the H2O cluster at {place} broke off.",
        hint="Check the port in BELLWETHER_H2O_URL, and that the cluster's nodes run.",
        code="cluster.unreachable",
    )


def _why_tls(settings: Settings, place: str, text: str) -> EngineUnavailableError:
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return EngineUnavailableError(
            f"What listens at {place} does not speak https.",
            hint="Write http:// in BELLWETHER_H2O_URL, or start the cluster with TLS (-jks).",
            code="cluster.scheme",
        )
    reason, hint = (
        "it is not signed by an authority known here",
        "Name that authority's PEM file: BELLWETHER_H2O_CA_FILE.",
    )
    if settings.h2o_ca_file:
        reason = "the authority in the file that BELLWETHER_H2O_CA_FILE names did not sign it"
        hint = "Name the PEM file of the authority that signed the cluster's certificate."
    if "expired" in text:
        reason, hint = "it has expired", "Give the cluster a new certificate."
    elif "mismatch" in text or "not valid for" in text:
        reason, hint = "it is made out to another host", "Use the name in the certificate in BELLWETHER_H2O_URL."
    return EngineUnavailableError(
        f"The certificate of {place} is not trusted: {reason}.", hint=hint, code="cluster.certificate"
    )


def _not_h2o(settings: Settings) -> EngineUnavailableError:
    return EngineUnavailableError(
        f"What answers at {_place(settings)} is not an H2O cluster.",
        hint="Check host, port and path in BELLWETHER_H2O_URL.",
        code="cluster.not_h2o",
    )


def _place(settings: Settings) -> str:
    """Return host and port; the URL may hold more that is nobody's business."""
    parts = urlsplit(settings.h2o_url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def _speaks_tls(settings: Settings) -> bool:
    parts = urlsplit(settings.h2o_url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only whether it shakes hands
    address = (str(parts.hostname), parts.port or _DEFAULT_PORTS["http"])
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, LOOK_TIMEOUT_S) as plain,
        context.wrap_socket(plain),
    ):
        return True
    return False

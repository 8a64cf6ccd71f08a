"""H2O clusters that the tests run: two real nodes on this machine, and one that only says what it is told."""

import datetime
import ipaddress
import json
import os
import secrets
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.engine.h2o import H2OEngine
from core.engine.jvm.java import find_java
from core.engine.jvm.launch import free_port, jar_path
from core.errors import EngineUnavailableError
from core.settings import Settings

USER = "tester"
_FORMED_S = 180.0


@dataclass
class Nodes:
    """A cluster of real JVMs on loopback; `folder` has their logs.

    Attributes
    ----------
    java_options, options, environment
        What else the JVMs, and H2O in them, are started with.
    """

    folder: Path
    ports: tuple[int, ...]
    password: str
    memory: str = "1g"
    url: str = ""
    java_options: Sequence[str] = ()
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = self.url or f"http://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start all nodes; `connect` waits for them."""
        flatfile, login = self.folder / "flatfile", self.folder / "login.conf"
        flatfile.write_text("".join(f"127.0.0.1:{port}\n" for port in self.ports))
        login.write_text(f"{USER}: {self.password}\n")
        for place, port in enumerate(self.ports):
            command = [
                str(find_java().path),
                f"-Xmx{self.memory}",
                "-Dsys.ai.h2o.automl.algo_parameters.all.enabled=true",
                *self.java_options,
            ]
            command += ["-jar", str(jar_path()), "-name", "two_nodes", "-flatfile", str(flatfile)]
            command += ["-ip", "127.0.0.1", "-web_ip", "127.0.0.1", "-port", str(port), "-nthreads", "2"]
            command += ["-hash_login", "-login_conf", str(login), "-ice_root", str(self.folder / f"ice{place}")]
            command += ["-log_level", "WARN", *self.options]
            with (self.folder / f"node{place}.log").open("wb") as log:
                environment = os.environ | self.environment
                self.processes.append(
                    subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
                )

    def settings(self, home: Path, **changes: Any) -> Settings:
        """Return the settings of a home that uses the first node."""
        base = Settings(home=home, h2o_url=self.url, h2o_user=USER, h2o_password=self.password, min_free_bytes=1 << 20)
        return replace(base, **changes)

    def wait(self, engine: H2OEngine) -> None:
        """Wait until all nodes have found each other; nothing may be asked of H2O that locks it before."""
        end = time.monotonic() + _FORMED_S
        while True:
            try:
                engine.ensure_ready()
                if engine.describe().n_nodes == len(self.ports):
                    return
            except EngineUnavailableError:
                pass  # no node listens yet
            assert time.monotonic() < end, "the nodes have not found each other"
            time.sleep(0.5)

    def kill(self, place: int) -> float:
        """Kill a node and return when."""
        os.kill(self.processes[place].pid, signal.SIGKILL)
        killed_at = time.monotonic()
        self.processes[place].wait(30)
        return killed_at

    def stop(self) -> None:
        """End all nodes."""
        for process in self.processes:
            process.kill()
            process.wait(30)
        self.processes.clear()


@contextmanager
def two_nodes(folder: Path, *, memory: str = "1g") -> Iterator[Nodes]:
    """Run a cluster of two nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    with running(Nodes(folder, (free_port(), free_port()), secrets.token_hex(16), memory)) as nodes:
        yield nodes


@contextmanager
def running(nodes: Nodes) -> Iterator[Nodes]:
    """Start a cluster and end it."""
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.stop()


def write_numbers(path: Path, n_rows: int = 20_000) -> Path:
    """Write a file of six numbers and a target that they decide."""
    numbers = np.random.default_rng(3).normal(size=(n_rows, 6)).round(4)
    target = np.where(numbers.sum(axis=1) > 0, "yes", "no")
    lines = (",".join([*map(str, row), label]) for row, label in zip(numbers, target, strict=True))
    path.write_text("a,b,c,d,e,f,target\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_certificate(path: Path, *, host: str = "127.0.0.1", days: int = 2) -> Path:
    """Write a key and a certificate that it signed itself; with less than one day it has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a cluster of the tests")])
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=3))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class ToldCluster:
    """A small server that answers as a cluster of two nodes would.

    Attributes
    ----------
    silent : bool
        Whether the second node gives no sign of life any more.
    body : bytes or None
        What it answers instead, whatever it is asked.
    """

    url: str = ""
    version: str = field(default_factory=lambda: version("h2o"))
    pid: int = 100
    silent: bool = False
    healthy: bool = True
    body: bytes | None = None
    status: int = 200
    pings: int = 0
    delay: threading.Event | None = None

    def answer(self) -> tuple[int, bytes]:
        """Return what it says now."""
        if self.body is not None:
            return self.status, self.body
        self.pings += not self.silent
        nodes = [
            {"ip_port": "10.0.0.1:54321", "pid": self.pid, "healthy": True, "last_ping": 1, "max_mem": 1 << 30},
            {"ip_port": "10.0.0.2:54321", "pid": self.pid, "healthy": self.healthy, "last_ping": self.pings},
        ]
        nodes = [{"max_mem": 1 << 30, "free_mem": 1 << 29} | node for node in nodes]
        cloud = {"cloud_name": "told", "version": self.version, "node_idx": 0, "cloud_uptime_millis": 1, "nodes": nodes}
        return self.status, json.dumps(cloud).encode()


@contextmanager
def told_cluster(told: ToldCluster, *, certificate: Path | None = None, port: int = 0) -> Iterator[ToldCluster]:
    """Serve a `ToldCluster`, over TLS with a PEM file that has key and certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/slow" in self.path and told.delay is not None:
                told.delay.wait(60)
            status, body = told.answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Shakes hands in the thread that answers, so that a client that speaks no TLS holds nobody up.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    told.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Uses a home from end to end and prints which addresses were asked for; started by test_t04_no_way_out.py."""

import json
import socket
import sys
from pathlib import Path

asked: list[str] = []


def watch(event: str, args: tuple) -> None:
    """Note each address that is connected to or looked up."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        asked.append(str(args[1][0]))
    elif event == "socket.getaddrinfo":
        asked.append(str(args[0]))


sys.addaudithook(watch)

from tests.fixtures_runs import make_home, write_customers  # noqa: E402

folder, database = map(Path, sys.argv[1:])
home = make_home(folder, database, n_runs=1)
services = home.services
model = services.store.champion("customers")
path = write_customers(folder / "new.csv", 40, with_target=False)
scored = services.scorer.score_file(path, path.name, model_uri=model.uri)
services.reports.make(model)
found, asked[:] = [*asked], []
with socket.socket() as probe:
    probe.connect_ex(("127.0.0.1", 9))  # shows that the hook sees a connection
print(json.dumps({"runs": len(services.store.list_runs()), "rows": scored.n_rows, "asked": found, "hook": asked}))

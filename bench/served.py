"""What opening a stored model for MLflow costs beside Python, its libraries and the JVM alone.

    python -m bench.served [FOLDER]

FOLDER is that of a stored model, such as mlruns/artifacts/…/models/m-…/artifacts; a small one is trained when omitted.
The goal: at most 1.0 s of processor time more, median of five. Both are measured in turns, and not by the clock, since
the machine may have other work.
"""

import json
import resource
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from bench.common import report, scratch_services, train
from core.data.datasets.samples import sample_training_path
from core.engine.jvm.embedded import embedded_jvm
from core.models.opened import StoredModel
from core.served import served_model
from core.settings import load_settings

TURNS = 5
GOAL_S = 1.0
# What no way round can save: the interpreter, Arrow, and a JVM with H2O's jar.
ALONE = """
import json, sys
import jpype, pyarrow.compute
libjvm, jar, options = json.loads(sys.argv[1])
jpype.startJVM(*options, jvmpath=libjvm, classpath=[jar])
"""


def main(given: str = "") -> None:
    """Start both in turns."""
    with ExitStack() as stack:
        folder = Path(given) if given else _trained(stack)
        jvm = embedded_jvm(load_settings().scoring_memory_bytes)
        alone = [ALONE, json.dumps([jvm.libjvm, jvm.jar, jvm.options])]
        # As `served_model` starts it, with an input that is over at once.
        opened = [served_model.START, *map(str, (folder / served_model.LIBRARY, folder))]
        opened += [served_model.MOJO, served_model.SPEC]
        times = [(_processor_s(alone), _processor_s(opened)) for _ in range(TURNS)]
    alone_s, opened_s = (statistics.median(column) for column in zip(*times, strict=True))
    more_s = round(opened_s - alone_s, 3)
    report(bench="served", alone_s=alone_s, opened_s=opened_s, more_s=more_s, ok=more_s <= GOAL_S)


def _trained(stack: ExitStack) -> Path:
    services = stack.enter_context(scratch_services())
    train(services, sample_training_path(), "interested", max_models=1, nfolds=2, include_algos=("GLM",))
    (model,) = services.store.champions().values()
    path, _ = StoredModel(services.store, model).mojo()
    return path.parent


def _processor_s(code: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-P", "-c", *code], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])

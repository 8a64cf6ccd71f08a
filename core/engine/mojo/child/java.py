"""The JVM inside the process that scores, and work on many rows that runs in it without coming back for each."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import jpype
import numpy as np
import numpy.typing as npt

_FEW = 16  # rows that are not worth sharing out among the cores

Matrix = npt.NDArray[np.float64]


def start(libjvm: str, jar: str, options: Sequence[str]) -> None:
    """Start the JVM in this process."""
    jpype.startJVM(libjvm, *options, classpath=[jar], convertStrings=False)


def heap_bytes() -> int:
    """Return how large the JVM's heap may become."""
    return int(jpype.JClass("java.lang.Runtime").getRuntime().maxMemory())


def read_mojo(data: bytes, *, with_metadata: bool) -> Any:
    """Return H2O's model object of a MOJO file's bytes."""
    factory = jpype.JClass("hex.genmodel.MojoReaderBackendFactory")
    source = jpype.JClass("java.io.ByteArrayInputStream")(jpype.JArray(jpype.JByte)(data))
    memory = jpype.JClass("hex.genmodel.MojoReaderBackendFactory$CachingStrategy").MEMORY
    backend = factory.createReaderBackend(source, memory)
    return jpype.JClass("hex.genmodel.ModelMojoReader").readFrom(backend, with_metadata)


def is_a(thing: Any, name: str) -> bool:
    """Return whether an object is of a Java class or interface."""
    return isinstance(thing, jpype.JClass(name))


def field(thing: Any, owner: str, name: str) -> Any:
    """Return a field that a Java class keeps to itself."""
    found = jpype.JClass(owner).class_.getDeclaredField(name)
    found.setAccessible(True)
    return found.get(thing)


def score(model: Any, rows: Matrix) -> Matrix:
    """Return what a model writes for each row: the label's place and a number per class, or a number and a zero.

    Parameters
    ----------
    rows : ndarray of float64, shape (n_rows, n_features)
    """
    width = int(model.getPredsSize())
    if len(rows) < _FEW:
        line = jpype.JArray(jpype.JDouble)
        return np.array([model.score0(line(row.tolist()), line(width)) for row in rows], dtype=np.float64)
    found = jpype.JArray.of(np.zeros((len(rows), width)))
    tools = _tools()
    places = [tools.element.bindTo(jpype.JArray.of(rows)), tools.element.bindTo(found)]
    _for_each(len(rows), tools.handles.filterArguments(tools.score.bindTo(model), 0, places))
    return np.array(memoryview(found))


def contributions(predictor: Any, rows: Matrix, n_columns: int) -> npt.NDArray[np.float32]:
    """Return the TreeSHAP contributions of each row."""
    found = jpype.JArray.of(np.zeros((len(rows), n_columns), dtype=np.float32))
    tools = _tools()
    one = tools.handles.filterReturnValue(tools.element.bindTo(jpype.JArray.of(rows)), tools.explain.bindTo(predictor))
    _for_each(len(rows), tools.handles.filterArguments(tools.put.bindTo(found), 1, [one]))
    return np.array(memoryview(found))


class _Tools(NamedTuple):
    """Method handles: put together, they are a loop's body that runs without a step back into Python."""

    handles: Any
    score: Any  # (model, double[], double[]) -> double[]
    explain: Any  # (predictor, double[]) -> float[]
    element: Any  # (double[][], int) -> double[]
    put: Any  # (float[][], int, float[])
    body: Any  # the type (int) -> void
    twice: Any  # the type (int, int) -> ...


@cache
def _tools() -> _Tools:
    handles = jpype.JClass("java.lang.invoke.MethodHandles")
    kind = jpype.JClass("java.lang.invoke.MethodType").methodType
    double, double2 = jpype.JArray(jpype.JDouble).class_, jpype.JArray(jpype.JDouble, 2).class_
    floats, floats2 = jpype.JArray(jpype.JFloat).class_, jpype.JArray(jpype.JFloat, 2).class_
    number, nothing = jpype.JClass("java.lang.Integer").TYPE, jpype.JClass("java.lang.Void").TYPE
    look = handles.publicLookup()
    model, predictor = jpype.JClass("hex.genmodel.GenModel"), jpype.JClass("hex.genmodel.PredictContributions")
    return _Tools(
        handles,
        look.findVirtual(model.class_, "score0", kind(double, double, double)),
        look.findVirtual(predictor.class_, "calculateContributions", kind(floats, double)),
        handles.arrayElementGetter(double2),
        handles.arrayElementSetter(floats2),
        kind(nothing, number),
        kind(nothing, number, number),
    )


def _for_each(n_rows: int, body: Any) -> None:
    """Run a handle of (row, row) for each row on all cores."""
    tools = _tools()
    once = tools.handles.permuteArguments(body.asType(tools.twice), tools.body, 0, 0)
    consumer = jpype.JClass("java.util.function.IntConsumer")
    loop = jpype.JClass("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(consumer.class_, once)
    rows = jpype.JClass("java.util.stream.IntStream").range(0, n_rows)
    (rows if n_rows < _FEW else rows.parallel()).forEach(loop)

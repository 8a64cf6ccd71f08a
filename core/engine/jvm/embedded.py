"""What a JVM inside another process is started with: its library, H2O's jar and the options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.engine.jvm.java import NEWEST, JavaFound, find_java, major
from core.engine.jvm.launch import jar_path
from core.errors import EngineUnavailableError

_OPTIONS: Final = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    # No world-readable /tmp/hsperfdata, nobody who attaches, no report of a crash with people's data in it.
    "-XX:-UsePerfData",
    "-XX:+DisableAttachMechanism",
    "-XX:+SuppressFatalErrorMessage",
    "-Duser.timezone=UTC",
)
_OLDEST: Final = 9  # JPype's
_MIB: Final = 1024**2


@dataclass(frozen=True)
class EmbeddedJvm:
    """The arguments of `core.engine.mojo.child.java.start`."""

    libjvm: str
    jar: str
    options: tuple[str, ...]


def embedded_jvm(heap_bytes: int) -> EmbeddedJvm:
    """Return what a JVM is started with.

    Raises
    ------
    EngineUnavailableError
        If there is no Java of version 9 to 17 with a library.
    """
    heap_mib = max(heap_bytes // _MIB, 64)
    return EmbeddedJvm(str(_libjvm(find_java())), str(jar_path()), (*_OPTIONS, f"-Xmx{heap_mib}m"))


def _libjvm(java: JavaFound) -> Path:
    """Return the library of a Java that is found by its program."""
    if major(java.version) < _OLDEST:
        raise EngineUnavailableError(
            f"Scoring needs Java {_OLDEST} to {NEWEST}. Found: {java.path} (version {java.version}).",
            hint="Run `make setup` (it installs a Java 17 of its own), or set H2O_JAVA_HOME to a Java 17.",
        )
    home = java.path.resolve().parent.parent
    names = ("libjvm.so", "libjvm.dylib", "jvm.dll")
    found = next((path for name in names for path in sorted(home.rglob(name))), None)
    if found is None:
        raise EngineUnavailableError(
            f"{home} has no JVM library, which scoring needs.",
            hint="Run `make setup` (it installs a Java 17 of its own), or set H2O_JAVA_HOME to a Java 17.",
        )
    return found

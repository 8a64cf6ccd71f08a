"""The machine's Java, told to compile fast code quickly: engines of tests live for seconds and train on little data.

Its second compiler, which pays after minutes, took more than half of what a test's engine costs.
"""

import os
import shlex
from pathlib import Path

from core.engine.jvm.embedded import embedded_jvm
from core.engine.jvm.java import find_java
from core.errors import EngineUnavailableError


def use_quick_java(folder: Path) -> None:
    """Make a Java home in an empty folder and name it in H2O_JAVA_HOME; where there is no Java, do nothing."""
    try:
        java, library = find_java(), Path(embedded_jvm(0).libjvm)
    except EngineUnavailableError:
        return  # the tests that need one say so
    home = folder / "java"
    for place in (home / "bin", home / "lib" / "server"):
        place.mkdir(parents=True)
    program = home / "bin" / "java"
    command = f'exec {shlex.quote(str(java.path))} -XX:TieredStopAtLevel=1 "$@"'
    program.write_text(f"#!/bin/sh\nunset PWD OLDPWD  # a shell adds them\n{command}\n")
    program.chmod(0o755)
    (home / "lib" / "server" / library.name).symlink_to(library)
    (home / "release").write_text(f'JAVA_VERSION="{java.version}"\n')
    os.environ["H2O_JAVA_HOME"] = str(home)

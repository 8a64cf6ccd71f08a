"""Processes are distinguished by id, start and boot."""

import os
import subprocess
from dataclasses import replace

import psutil

from core.processes import Mark, is_over


def test_a_mark_names_one_living_process() -> None:
    own = Mark.own()
    assert own.process() == psutil.Process()
    assert Mark.parse(str(own)) == own
    for other in (replace(own, pid=2**22 + 1), replace(own, started=own.started - 1), replace(own, boot="another")):
        assert other.process() is None


def test_what_is_no_mark_names_nobody() -> None:
    for text in ("", "12", "12 1.5", "x 1.5 boot", "12 x boot"):
        assert Mark.parse(text) is None


def test_a_process_that_is_only_not_waited_for_is_over() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = psutil.Process(child.pid)
        assert not is_over(process)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_over(process)

"""Which process is which: an id is used again, so the time of the start goes with it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil


def _boot() -> str:
    """Return what distinguishes this boot of the machine from every other; empty where the system has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Mark:
    """One process, distinguished from every other one that had or will have its id; `str` writes it, `parse` reads it.

    Attributes
    ----------
    started : float
        When it started (see `start_mark`).
    boot : str
        Since which start of the machine that is counted.
    """

    pid: int
    started: float
    boot: str = field(default_factory=_boot)

    def __str__(self) -> str:
        """Return it as text."""
        return f"{self.pid} {self.started} {self.boot}"

    @classmethod
    def parse(cls, text: str) -> "Mark | None":
        """Read what `str` wrote; None when it is something else."""
        try:
            pid, started, boot = text.split(" ")
            return cls(int(pid), float(started), boot)
        except ValueError:
            return None

    @classmethod
    def own(cls) -> "Mark":
        """Return the mark of this process."""
        return cls(os.getpid(), start_mark(psutil.Process()))

    def process(self) -> psutil.Process | None:
        """Return the process if it lives."""
        try:
            process = psutil.Process(self.pid)
            is_same = self.boot == _boot() and start_mark(process) == self.started
        except psutil.Error:
            return None
        return process if is_same and not is_over(process) else None


def start_mark(process: psutil.Process) -> float:
    """Return when a process started: on Linux in clock ticks since boot, which survive a change of the clock."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return process.create_time()
    # The program's name, in brackets, may hold blanks; the start is field 22, the 20th after it.
    return float(stat.rpartition(")")[2].split()[19])


def is_over(process: psutil.Process) -> bool:
    """Return whether a process is gone, or dead and only not yet waited for by its parent."""
    try:
        return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True

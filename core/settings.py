"""Settings: where things live and how much is allowed, read once from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

import psutil

from core.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
_MIB = 1024**2
_GIB = 1024**3
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*$", re.IGNORECASE)
_SWITCH = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
_FACTORS = {"": 1, "k": 1024, "m": _MIB, "g": _GIB, "t": 1024 * _GIB}


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parse_size(text: str) -> int:
    """Read a size such as ``"512m"``, ``"2g"`` or ``"1048576"`` as bytes.

    Raises
    ------
    SettingsError
        If the text is not a number with an optional unit k, m, g or t.

    Examples
    --------
    >>> parse_size("2g")
    2147483648
    """
    match = _SIZE.match(text)
    if match is None:
        raise SettingsError(f"{text!r} is not a size.", hint="Write a number with k, m, g or t, such as 4g.")
    return int(float(match[1]) * _FACTORS[match[2].lower()])


def _half_of_memory() -> int:
    return int(psutil.virtual_memory().total // 2)


def _setting(env: str, default: object, help_text: str) -> Any:
    return field(default=default, metadata={"env": env, "help": help_text})


def _size(env: str, default: int, help_text: str) -> int:
    return field(default=default, metadata={"env": env, "help": help_text, "size": True})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings with their defaults; sizes in bytes, durations in seconds. `docs/settings.md` lists them.

    Some are looked up each time they are needed, so that administrators can change them while the app runs:
    `core.access.live` changes those, for all who hold these settings, and nothing else does.
    """

    home: Path = _setting("BELLWETHER_HOME", ROOT, "Folder that holds data/ and mlruns/.")
    h2o_memory_bytes: int = field(
        default_factory=_half_of_memory,
        metadata={
            "env": "BELLWETHER_H2O_MEMORY",
            "size": True,
            "help": "Heap of the embedded engine (default half of the memory).",
        },
    )
    h2o_threads: int = _setting(
        "BELLWETHER_H2O_THREADS", 0, "Threads of the embedded engine; 0 means all cores, at least 2."
    )
    h2o_start_timeout_s: float = _setting(
        "BELLWETHER_H2O_START_TIMEOUT", 90.0, "How long the embedded engine may take to start."
    )
    h2o_url: str = _setting("BELLWETHER_H2O_URL", "", "URL of an H2O cluster to use instead of the embedded engine.")
    h2o_user: str = _setting("BELLWETHER_H2O_USER", "", "User name for that cluster.")
    h2o_password: str = field(
        default="", repr=False, metadata={"env": "BELLWETHER_H2O_PASSWORD", "help": "Password for that cluster."}
    )
    h2o_ca_file: str = _setting(
        "BELLWETHER_H2O_CA_FILE", "", "PEM file of the authority that signed that cluster's certificate."
    )
    h2o_node_timeout_s: float = _setting(
        "BELLWETHER_H2O_NODE_TIMEOUT",
        20.0,
        "Seconds without a sign of life after which a node of that cluster is lost.",
    )
    cluster_wait_s: float = _setting(
        "BELLWETHER_CLUSTER_WAIT",
        21600.0,
        "Seconds that runs wait in the queue for a cluster that is away; 0 means they fail at once.",
    )
    import_prefixes: str = _setting(
        "BELLWETHER_IMPORT_PREFIXES",
        "",
        "Where that cluster may read and write data itself, comma separated; off unless set.",
    )
    stall_limit_s: float = _setting(
        "BELLWETHER_STALL_LIMIT",
        3600.0,
        "Seconds without any progress after which a training has failed; 0 means none.",
    )
    mlflow_uri: str = _setting(
        "BELLWETHER_MLFLOW_URI", "", "Tracking URI of a remote MLflow instead of mlruns/mlflow.db."
    )
    mlflow_ui_url: str = _setting("BELLWETHER_MLFLOW_UI_URL", "", "Address of MLflow's own pages, to link runs to.")
    max_upload_bytes: int = _size(
        "BELLWETHER_MAX_UPLOAD", 200 * _MIB, "Largest file taken by a page (Streamlit holds it in memory first)."
    )
    max_file_bytes: int = _size("BELLWETHER_MAX_FILE", 2 * _GIB, "Largest file taken by command line and HTTP.")
    max_columns: int = _setting("BELLWETHER_MAX_COLUMNS", 5000, "Most columns a file may have.")
    max_datasets: int = _setting("BELLWETHER_MAX_DATASETS", 1000, "Most datasets, versions included, that are kept.")
    max_cell_bytes: int = _size("BELLWETHER_MAX_CELL", _MIB, "Largest single cell.")
    max_unpacked_bytes: int = _size("BELLWETHER_MAX_UNPACKED", _GIB, "Most an Excel file may unpack to.")
    reader_memory_bytes: int = _size("BELLWETHER_READER_MEMORY", 4 * _GIB, "Memory of the process that reads files.")
    reader_cpu_s: int = _setting("BELLWETHER_READER_CPU", 120, "CPU seconds of the process that reads files.")
    reader_wall_s: float = _setting(
        "BELLWETHER_READER_WALL", 180.0, "Seconds until a file that cannot be read is given up."
    )
    min_free_bytes: int = _size("BELLWETHER_MIN_FREE", _GIB, "Free disk space under which new work is refused.")
    max_queue: int = _setting("BELLWETHER_MAX_QUEUE", 20, "Runs that may wait or run at once.")
    max_scorings: int = _setting(
        "BELLWETHER_MAX_SCORINGS", 20, "Scorings of the Predict page that may wait or run in the background at once."
    )
    max_score_rows: int = _setting("BELLWETHER_MAX_SCORE_ROWS", 20_000_000, "Most rows of a file to score.")
    scoring_memory_bytes: int = _size(
        "BELLWETHER_SCORING_MEMORY", _GIB, "Heap of the process that scores; it holds the models used last."
    )
    scoring_timeout_s: float = _setting(
        "BELLWETHER_SCORING_TIMEOUT", 120.0, "Seconds until a part of a scoring, at most 50,000 rows, is given up."
    )
    background_rows: int = _setting(
        "BELLWETHER_BACKGROUND_ROWS", 50_000, "Files with more rows than this are scored in the background."
    )
    keep_results_days: int = _setting(
        "BELLWETHER_KEEP_RESULTS", 30, "Days that results of the Predict page can be downloaded again."
    )
    keep_scores_days: int = _setting(
        "BELLWETHER_KEEP_SCORES", 400, "Days that ids and scores are kept, to be compared with outcomes."
    )
    keep_cancelled_days: int = _setting(
        "BELLWETHER_KEEP_CANCELLED", 0, "Days that cancelled and failed runs are kept; 0 keeps them for ever."
    )
    keep_backups: int = _setting("BELLWETHER_KEEP_BACKUPS", 7, "Daily copies that are kept of each database.")
    alert_psi: float = _setting(
        "BELLWETHER_ALERT_PSI",
        0.25,
        "Monitor: drift (PSI) that raises an alert, where a problem has no rule of its own.",
    )
    alert_loss: float = _setting(
        "BELLWETHER_ALERT_LOSS", 0.1, "Monitor: share by which a metric may be worse than promised before an alert."
    )
    four_eyes: bool = field(
        default=False,
        metadata={
            "env": "BELLWETHER_FOUR_EYES",
            "help": "Whether a promotion needs the approval of somebody else: 1 or 0.",
        },
    )
    log_json: bool = field(
        default=False,
        metadata={"env": "BELLWETHER_LOG_JSON", "help": "Whether the log is one JSON object a line: 1 or 0."},
    )
    max_runtime_cap_s: int = _setting("BELLWETHER_MAX_RUNTIME", 86400, "Longest training a person may ask for.")
    max_http_scorings: int = _setting(
        "BELLWETHER_MAX_HTTP_SCORINGS", 32, "Requests to POST /predict in progress at once; one more is told to wait."
    )
    inbox_interval_s: float = _setting(
        "BELLWETHER_INBOX_INTERVAL", 0.0, "Seconds between two looks into data/inbox; 0 leaves it alone."
    )
    allowed_hosts: str = _setting(
        "BELLWETHER_ALLOWED_HOSTS", "", "Host names, comma separated, under which the app answers besides localhost."
    )

    admins: str = _setting(
        "BELLWETHER_ADMINS", "", "Who may administer, by e-mail, @domain, group:NAME or *; where people sign in."
    )
    analysts: str = _setting("BELLWETHER_ANALYSTS", "", "Who may change data and train models, likewise.")
    reviewers: str = _setting("BELLWETHER_REVIEWERS", "", "Who may approve and reject models, likewise.")
    business: str = _setting("BELLWETHER_BUSINESS", "", "Who may make predictions, likewise.")
    groups_claim: str = _setting(
        "BELLWETHER_GROUPS_CLAIM", "groups", "The claim in which the sign-in provider tells a person's groups."
    )
    sign_in_s: float = _setting(
        "BELLWETHER_SIGN_IN", 43200.0, "Seconds after which a person has to sign in again; their groups are read then."
    )
    open_to_network: bool = field(
        default=False,
        metadata={
            "env": "BELLWETHER_OPEN_TO_NETWORK",
            "help": "Whether other machines may use the app without sign-in: 1 or 0.",
        },
    )

    @property
    def engine_threads(self) -> int:
        """How many threads the embedded engine works with."""
        return self.h2o_threads or max(2, cores())

    @property
    def data_dir(self) -> Path:
        """Folder of datasets, uploads and Bellwether's own tables."""
        return self.home / "data"

    @property
    def datasets_dir(self) -> Path:
        """Folder with one subfolder per dataset."""
        return self.data_dir / "datasets"

    @property
    def recipes_dir(self) -> Path:
        """Folder with one subfolder per saved recipe."""
        return self.data_dir / "recipes"

    @property
    def work_dir(self) -> Path:
        """Folder for what is received or on its way (`core.files.scratch`); whoever makes it removes it."""
        return self.data_dir / "work"

    @property
    def inbox_dir(self) -> Path:
        """Folder with one subfolder per experiment, into which files to score are dropped."""
        return self.data_dir / "inbox"

    @property
    def outbox_dir(self) -> Path:
        """Folder with one subfolder per experiment, into which their predictions are written."""
        return self.data_dir / "outbox"

    @property
    def scorings_dir(self) -> Path:
        """Folder with one subfolder per scoring: what is kept of it."""
        return self.data_dir / "scorings"

    @property
    def outcomes_dir(self) -> Path:
        """Folder of the actual outcomes that were handed in."""
        return self.data_dir / "outcomes"

    @property
    def mlruns_dir(self) -> Path:
        """Folder of MLflow's database, the artifacts and the engine's state."""
        return self.home / "mlruns"

    @property
    def ledger_path(self) -> Path:
        """Path of Bellwether's own tables."""
        return self.data_dir / "bellwether.db"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from environment variables.

    Parameters
    ----------
    environ : mapping of str to str, optional
        The environment; that of the process when omitted. Empty values mean "not set".

    Raises
    ------
    SettingsError
        If a value cannot be read as a number, size or path.
    """
    env = os.environ if environ is None else environ
    given = {
        spec.name: (spec, text) for spec in fields(Settings) if (text := env.get(spec.metadata["env"], "").strip())
    }
    values = {name: read_value(spec, text) for name, (spec, text) in given.items()}
    return Settings(**values)  # type: ignore[arg-type]


def read_value(spec: Field[Any], text: str) -> object:
    """Read what somebody wrote for one setting, a field of `Settings` (SettingsError if it cannot be used)."""
    name = spec.metadata["env"]
    try:
        if spec.metadata.get("size"):
            return parse_size(text)
        if spec.type in (bool, "bool"):
            return _SWITCH[text.lower()]
        if spec.type in (int, "int"):
            return int(text)
        if spec.type in (float, "float"):
            return float(text)
        if spec.name == "home":
            return Path(text).expanduser().resolve()
    except KeyError as error:
        raise SettingsError(f"{name}={text!r} cannot be used.", hint="Write 1 or 0.") from error
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} cannot be used: {error}") from error
    return text

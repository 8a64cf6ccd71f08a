"""Which permission each public call of each service needs: the one table of who may do what.

A call that stands here under no permission, or nowhere, is closed to people: background work calls it on the service
itself. `tests/test_architecture.py` walks all public methods and finds the one that somebody forgot.
"""

from collections.abc import Mapping
from typing import Final

from core.access.roles import Permission

# What a permission allows, as in "Your role does not include …".
DOING: Final[Mapping[Permission, str]] = {
    "look": "seeing the models in use",
    "score": "making predictions",
    "inspect": "seeing data, runs and explanations",
    "build": "changing data and training models",
    "discuss": "commenting on models",
    "publish": "choosing champions and policies",
    "decide": "approving and rejecting models",
    "administer": "administering this installation",
}
_CLOSED: Final = "-"  # for background work and other services alone

_WORKER: Final = {"administer": "start stop join is_working", _CLOSED: "wake step drop settle"}

_TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "datasets": {
        "inspect": "list find_id find find_content versions get open",
        "build": "add read_again rename set_type delete",
    },
    "store": {
        "look": "experiments models count_models best resolve champion champion_version foreign_champion challenger"
        " champions lost_champions promotions mlflow_page model_file is_shared owns get_run list_runs count_runs"
        " champion_to_score resolve_to_score",
        "inspect": "foreign artifact artifacts",
        "build": "describe_run archive_run restore_run",
        "administer": "check maintain back_up",
        _CLOSED: "add_model claim_run create_run delete_run drop_model_files log register save_model_files"
        " set_challenger set_champion set_model_tags set_status update_run",
    },
    "ledger": {
        "look": "policies columns",
        "score": "remember_columns forget_columns",
        "build": "record",
        "publish": "add_policy",
        "administer": "entries maintain",
        _CLOSED: "connect read",
    },
    "engine": {
        "look": "status",
        "score": "mojos",
        "inspect": "start_in_background describe has_xgboost memory",
        "build": "ensure_ready",
        _CLOSED: "frames automl baselines models explanations imports is_alive end_idle stop delete",
    },
    "jobs": {
        "look": "queue position waits_for",
        "inspect": "has_other_worker wait",
        "build": "submit cancel",
        **_WORKER,
        "administer": "start stop join is_working settle stop_engine",
        _CLOSED: "wake step drop",
    },
    "scorer": {
        "score": "choose_model stored open open_rows score score_beside score_file score_rows score_table",
        _CLOSED: "score_waiting write_minutes",
    },
    "recipes": {
        "inspect": "names get versions before after",
        "build": "save undo redo restore delete add_step",
    },
    "inbox": {**_WORKER, _CLOSED: "wake step drop settle look"},
    "scorings": {
        "look": "active",
        "score": "submit again cancel can_repeat wait",
        **_WORKER,
        "administer": "start stop join is_working settle",
        _CLOSED: "wake step drop",
    },
    "minutes": {**_WORKER, "administer": "start stop join is_working close"},
    "scoring_log": {
        "look": "get list experiments count",
        "score": "result input",
        "inspect": "scores_path",
        "administer": "maintain",
        _CLOSED: "recording resuming describe enqueue claim put_back cancel settle folder overdue",
    },
    "monitor": {
        "inspect": "history files realised outcome_files rule alert_keys last_files guess_columns outcomes",
        "build": "set_rule read_outcomes add_outcomes",
        "administer": "maintain",
        _CLOSED: "overdue",
    },
    "retrainer": {"inspect": "settings_of newest count_rows", "build": "add_outcomes hold_out"},
    "explainer": {"inspect": "compute add_features add_pair compare", "score": "open_case"},
    "reports": {"inspect": "list find make gather current what_changed"},
    "reviews": {
        "look": "history",
        "inspect": "of_model of_run",
        "discuss": "comment comment_run propose",
        "publish": "promote roll_back_to challenge withdraw_challenger",
        "decide": "approve reject",
    },
    "checklists": {"inspect": "of"},
    "problems": {"look": "find", "discuss": "save"},
    "retraining": {"build": "retrain"},
    "schedules": {**_WORKER, "inspect": "find last_turn is_due", "build": "save"},
    "retention": {"administer": "plan apply"},
    "removals": {"inspect": "plan", "build": "remove"},
    "tokens": {"administer": "create list revoke", _CLOSED: "person_of"},
    "sign_outs": {"administer": "add list", _CLOSED: "since"},
    "live": {"administer": "rows change reset", _CLOSED: "refresh"},
    "cluster_data": {"inspect": "prefixes", "build": "add score"},
    "visits": {"look": "note last unseen"},
    "audit": {"administer": "lines people actions"},
}

# By service and call; the permission that it needs.
CALLS: Final[Mapping[str, Mapping[str, Permission]]] = {
    member: {name: permission for permission in DOING for name in groups.get(permission, "").split()}
    for member, groups in _TABLE.items()
}
CLOSED: Final[Mapping[str, frozenset[str]]] = {
    member: frozenset(groups.get(_CLOSED, "").split()) for member, groups in _TABLE.items()
}

"""The tables of `data/bellwether.db`, version by version; `core.ledger.database` makes them."""

from typing import Final


def _append_only(table: str) -> tuple[str, ...]:
    """Return what keeps each row of a table as it was written; see the audit for why ids are looked at."""
    when = {"ids": "INSERT", "rows": "DELETE", "text": "UPDATE"}
    known = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608 - names of this module
    return tuple(
        f"CREATE TRIGGER {table}_keep_{what} BEFORE {event} ON {table} {known if what == 'ids' else ''}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for what, event in when.items()
    )


# One entry per version of the tables, oldest first; an entry that was released is never changed, a new one is added.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL
        )""",
        "CREATE INDEX audit_subject ON audit (subject)",
        # REPLACE removes a row without firing the DELETE trigger, so an id that is there may not be given again.
        """CREATE TRIGGER audit_keeps_ids BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
           BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
        "CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_keeps_text BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    ),
    (
        """CREATE TABLE policies (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            model_id TEXT NOT NULL,
            version INTEGER,
            why TEXT NOT NULL,
            policy TEXT NOT NULL
        )""",
        "CREATE INDEX policies_model ON policies (model_id)",
        """CREATE TRIGGER policies_keep_ids BEFORE INSERT ON policies
           WHEN EXISTS (SELECT 1 FROM policies WHERE id = NEW.id)
           BEGIN SELECT RAISE(ABORT, 'policies are append-only'); END""",
        """CREATE TRIGGER policies_keep_rows BEFORE DELETE ON policies
           BEGIN SELECT RAISE(ABORT, 'policies are append-only'); END""",
        """CREATE TRIGGER policies_keep_text BEFORE UPDATE ON policies
           BEGIN SELECT RAISE(ABORT, 'policies are append-only'); END""",
    ),
    (
        """CREATE TABLE column_mapping (
            experiment TEXT NOT NULL,
            theirs TEXT NOT NULL,
            ours TEXT NOT NULL,
            person TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (experiment, theirs)
        )""",
    ),
    (
        """CREATE TABLE scorings (
            id TEXT PRIMARY KEY,
            experiment TEXT NOT NULL,
            model_id TEXT NOT NULL,
            model_version INTEGER,
            algo TEXT NOT NULL,
            submitted_at TEXT NOT NULL,
            started_at TEXT,
            ended_at TEXT,
            person TEXT NOT NULL,
            origin TEXT NOT NULL,
            background INTEGER NOT NULL,
            status TEXT NOT NULL,
            file_name TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            n_bytes INTEGER NOT NULL,
            n_rows INTEGER NOT NULL,
            stage TEXT NOT NULL,
            progress REAL NOT NULL,
            wants_cancel INTEGER NOT NULL,
            owner TEXT NOT NULL,
            request TEXT NOT NULL,
            summary TEXT,
            error TEXT,
            kept TEXT NOT NULL
        )""",
        "CREATE INDEX scorings_experiment ON scorings (experiment, submitted_at)",
        "CREATE INDEX scorings_status ON scorings (status)",
        """CREATE TABLE outcomes (
            id TEXT PRIMARY KEY,
            experiment TEXT NOT NULL,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            file_name TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            id_column TEXT NOT NULL,
            target_column TEXT NOT NULL,
            n_rows INTEGER NOT NULL
        )""",
        "CREATE INDEX outcomes_experiment ON outcomes (experiment, at)",
        """CREATE TABLE realised (
            scoring_id TEXT PRIMARY KEY,
            experiment TEXT NOT NULL,
            at TEXT NOT NULL,
            found TEXT NOT NULL
        )""",
        "CREATE INDEX realised_experiment ON realised (experiment)",
        """CREATE TABLE alert_rules (
            experiment TEXT PRIMARY KEY,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            rule TEXT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE champions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            experiment TEXT NOT NULL,
            version INTEGER NOT NULL,
            model_id TEXT NOT NULL,
            why TEXT NOT NULL,
            approved_by TEXT NOT NULL,
            from_version INTEGER,
            automatic INTEGER NOT NULL
        )""",
        "CREATE INDEX champions_experiment ON champions (experiment)",
        # Promotions of before this table, from the audit. It never named the model of an automatic one, but the next
        # promotion names the model before; the version before is that of the promotion before.
        """INSERT INTO champions (at, person, experiment, version, model_id, why, approved_by, from_version, automatic)
           SELECT at, person, experiment, version,
             replace(COALESCE(json_extract(detail, '$.model'),
               LEAD(json_extract(detail, '$.before')) OVER past, ''), 'models:/', ''),
             COALESCE(json_extract(detail, '$.note'), ''), '', LAG(version) OVER past,
             json_extract(detail, '$.automatic') IS NOT NULL
           FROM (SELECT id, at, person, detail, substr(subject, 9, instr(substr(subject, 9), '/') - 1) AS experiment,
                   CAST(substr(subject, 9 + instr(substr(subject, 9), '/')) AS INTEGER) AS version
                 FROM audit WHERE action = 'promote' AND subject GLOB 'models:/?*/[0-9]*')
           WINDOW past AS (PARTITION BY experiment ORDER BY id) ORDER BY id""",
        *_append_only("champions"),
        """CREATE TABLE reviews (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            experiment TEXT NOT NULL,
            subject TEXT NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL
        )""",
        "CREATE INDEX reviews_subject ON reviews (subject)",
        *_append_only("reviews"),
        """CREATE TABLE problem_cards (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            experiment TEXT NOT NULL,
            card TEXT NOT NULL
        )""",
        "CREATE INDEX problem_cards_experiment ON problem_cards (experiment)",
        *_append_only("problem_cards"),
    ),
    (
        """CREATE TABLE tokens (
            id TEXT PRIMARY KEY,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            name TEXT NOT NULL,
            experiment TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            revoked_at TEXT
        )""",
        """CREATE TABLE setting_changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT
        )""",
        "CREATE INDEX setting_changes_name ON setting_changes (name)",
        *_append_only("setting_changes"),
    ),
    (
        """CREATE TABLE visits (
            person TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (person, kind, subject)
        )""",
    ),
    (
        """CREATE TABLE sign_outs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            person TEXT NOT NULL,
            who TEXT NOT NULL
        )""",
        "CREATE INDEX sign_outs_who ON sign_outs (who)",
        *_append_only("sign_outs"),
    ),
)

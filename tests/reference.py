"""The references of the documentation, made from the code: commands from their parsers, HTTP from its description.

    python -m tests.reference

rewrites docs/commands.md, and in docs/http.md the tables between `<!-- made: NAME -->` and `<!-- end -->`.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.http.openapi import describe
from core.cli.main import _parser
from core.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
_MADE = re.compile(r"(?<=<!-- made: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
_COMMANDS = """# Commands

Everything that the pages do can be done without them. Progress goes to stderr, and one JSON object to stdout, so that
`python -m core … | jq` works. A command ends with 0; with 2 after an [expected error](errors.md), which is told on
stderr as `error[code]: message` and a hint; with 130 when it is stopped. `BELLWETHER_HOME` says which home it works on,
and the other [settings](settings.md) hold as for the app. A command and a running app on the same home share engine and
store.

Made from the parsers by `python -m tests.reference`; a test fails when this page is out of date.

| command | what it does |
| --- | --- |
"""


def commands() -> str:
    """Return docs/commands.md."""
    found = list(_commands(_parser(), "python -m core"))
    rows = [f"| [`{name.removeprefix('python -m core ')}`](#{_anchor(name)}) | {text} |" for name, _, text in found]
    sections = [_command(*one) for one in found]
    return _COMMANDS + "\n".join(rows) + "\n\n" + "\n\n".join(sections) + "\n"


def http(page: str) -> str:
    """Return docs/http.md with its tables as the description has them."""
    tables = _tables(describe(Settings()))
    left = set(tables) - {name for name, _ in _MADE.findall(page)}
    if left:
        raise ValueError(f"docs/http.md has no place for {', '.join(sorted(left))}")
    return _MADE.sub(lambda found: f"{found[1]}{found[2]}\n{tables[found[1]]}\n\n", page)


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Yield each command that does something, with its parser and its sentence."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for word, sub in action.choices.items():
                inner = list(_commands(sub, f"{name} {word}"))
                yield from inner or [(f"{name} {word}", sub, texts[word])]


def _command(name: str, parser: argparse.ArgumentParser, text: str) -> str:
    lines = [f"## {name.removeprefix('python -m core ')}", "", text, "", "```", _usage(name, parser), "```"]
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        if not actions:
            continue
        if group.title not in ("options", "positional arguments"):
            lines += ["", f"{str(group.title).capitalize()}:"]
        lines += ["", "| argument | what |", "| --- | --- |", *(_argument(action) for action in actions)]
    return "\n".join(lines)


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return what cannot be left out; each version of Python would fold the whole line in its own way."""
    needed = [_written(action) for action in parser._actions if action.required]
    needed += [
        "(" + " | ".join(_written(action) for action in group._group_actions) + ")"
        for group in parser._mutually_exclusive_groups
        if group.required
    ]
    optional = any(not action.required for action in parser._actions[1:])
    return " ".join([name, *needed, *(["…"] if optional else [])])


def _written(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or _choices(action))
    if not action.option_strings:
        return f"{value} …" if action.nargs in ("+", "*") else value
    return " ".join([*action.option_strings, *([value] if value else [])])


def _choices(action: argparse.Action) -> str:
    return "{" + ",".join(str(choice) for choice in action.choices or ()) + "}"


def _argument(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    choices = ""
    if action.choices:
        choices = "one of " + ", ".join(f"`{choice}`" for choice in action.choices)
    value = [] if action.nargs == 0 or action.choices else [str(action.metavar)]
    written = " ".join([*action.option_strings, *value])
    needed = "**needed**" if action.required and action.option_strings else ""
    return f"| {_code(written)} | {_cell('; '.join(part for part in (needed, text, choices) if part))} |"


def _tables(description: dict[str, Any]) -> dict[str, str]:
    calls = [
        (f"{method.upper()} {path}", call)
        for path, found in description["paths"].items()
        for method, call in found.items()
    ]
    refusals: dict[str, dict[str, list[str]]] = {}
    for name, call in calls:
        for status, answer in call["responses"].items():
            refusals.setdefault(status, {}).setdefault(answer["description"], []).append(f"`{name}`")
    return {
        "addresses": _table(("address", "what"), ((_code(name), call["summary"]) for name, call in calls)),
        "parameters": _table(
            ("of", "parameter", "values", "what it does"),
            (
                (_code(name), _code(one["name"]), _values(one["schema"]), one["description"])
                for name, call in calls
                for one in call.get("parameters", ())
            ),
        ),
        "headers": _table(
            ("header", "what it says"),
            ((_code(name), one["description"]) for name, one in description["components"]["headers"].items()),
        ),
        "statuses": _table(
            ("status", "when", "of"),
            (
                (status, text, "all" if len(names) == len(calls) else ", ".join(names))
                for status, texts in sorted(refusals.items())
                if status != "200"
                for text, names in texts.items()
            ),
        ),
    }


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(_code(value) for value in schema["enum"])
    if "minimum" in schema:
        kind = "whole number" if schema["type"] == "integer" else "number"
        return f"{kind}, {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "array":
        return f"text, up to {schema['maxItems']} times"
    return {"boolean": "`1` or `0`", "string": "text"}[schema["type"]]


def _table(names: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [names, tuple("---" for _ in names), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _anchor(name: str) -> str:
    return name.removeprefix("python -m core ").replace(" ", "-")


if __name__ == "__main__":
    (DOCS / "commands.md").write_text(commands(), encoding="utf-8")
    (DOCS / "http.md").write_text(http((DOCS / "http.md").read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("docs/commands.md and docs/http.md are up to date\n")

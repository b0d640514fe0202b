"""`custody terms`: what is owed, and by when."""

from pathlib import Path

import click

from streams.cli._lists import ledger_options
from streams.cli._screen import clean
from streams.cli._stack import json_option, say_json, settings_of
from streams.core.errors import Misuse
from streams.core.terms import Terms
from streams.settings import Settings


@click.group()
def command() -> None:
    r"""Terms: what is owed to a message, and by when.

    \b
    Examples: custody terms check my-terms.toml
              custody terms use guaranteed
    """


@command.command("list")
@json_option
def list_them(*, as_json: bool) -> None:
    r"""List the profiles that come with Custody.

    \b
    Example: custody terms list
    """
    from streams import profiles  # noqa: PLC0415

    found = {name: profiles.load(name) for name in profiles.shipped()}
    if as_json:
        say_json({name: terms.profile for name, terms in found.items()})
        return
    for name, terms in found.items():
        default = "  (the default)" if name == profiles.DEFAULT else ""
        click.echo(f"{name}  version {terms.version}{default}\n{summary(terms)}")


@command.command("show")
@click.argument("named", default="")
@ledger_options
@json_option
def show(*, named: str, data: Path | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    r"""Print the terms of a ledger, or of a shipped profile or file, as TOML.

    \b
    Examples: custody terms show
              custody terms show guaranteed > my-terms.toml
    """
    from streams import profiles  # noqa: PLC0415

    text = profiles.text_of(named) if named else declared(settings_of(data, file, ledger))
    terms = profiles.parse(text, named or "the ledger's terms")
    if as_json:
        say_json({"version": terms.version, "profile": terms.profile, "text": text})
    else:
        click.echo("\n".join(clean(line) for line in text.splitlines()))


@command.command("check")
@click.argument("named", metavar="FILE")
@json_option
def check(*, named: str, as_json: bool) -> None:
    r"""Check a file of terms; exit 2 with the place where it is wrong.

    \b
    Example: custody terms check my-terms.toml
    """
    from streams import profiles  # noqa: PLC0415

    terms = profiles.load(named)
    if as_json:
        say_json({"version": terms.version, "profile": terms.profile})
    else:
        click.echo(f"{clean(terms.profile.name)}  version {terms.version}  is right.\n{summary(terms)}")


@command.command("use")
@click.argument("named", metavar="NAME-OR-FILE")
@ledger_options
@json_option
def use(*, named: str, data: Path | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    r"""Declare the terms of a ledger: a record of its log, so that a replay knows them, too.

    \b
    Example: custody terms use guaranteed
    """
    from streams import profiles  # noqa: PLC0415
    from streams.kafka import progress  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.writer import write_all  # noqa: PLC0415

    settings, text = settings_of(data, file, ledger), profiles.text_of(named)
    terms = profiles.parse(text, named)
    before = profiles.parse(declared(settings), "the ledger's terms").version
    write_all(settings, "progress", [progress.declared("terms", live=False, terms=terms.version, text=text)])
    if as_json:
        say_json({"ledger": settings.ledger, "before": before, "version": terms.version})
        return
    click.echo(f"Ledger {settings.ledger} has the terms {clean(terms.profile.name)}, version {terms.version}.")
    if before != terms.version:
        click.echo(f"Before: version {before}. What they would have said: custody replay --terms {clean(named)}")


def declared(settings: Settings) -> str:
    """The terms that a ledger declares last, else the default.

    Raises:
        Unavailable: the brokers do not answer, or the ledger has no topics.
    """
    from streams import profiles  # noqa: PLC0415
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.progress import latest_terms  # noqa: PLC0415

    return latest_terms(KafkaLog(settings)) or profiles.text_of()


def summary(terms: Terms) -> str:
    """What a profile says, in lines."""
    profile = terms.profile
    if not profile.name:
        raise Misuse("terms: name is empty")
    mailboxes = ", ".join(profile.unread.mailboxes) or "none"
    return "\n".join(
        f"  {name:<9} {clean(value, 66)}"
        for name, value in (
            ("finds", ", ".join(profile.findings)),
            ("report", f"{_spans(profile.report)}; {profile.report_when}"),
            ("stuck", _spans(profile.stuck)),
            ("unread", f"{profile.unread.after} s in mailboxes: {mailboxes}"),
            ("rules", f"{len(profile.rules)} for some messages, {len(profile.bulk)} patterns of bulk"),
        )
    )


def _spans(seconds: dict[str, int]) -> str:
    return ", ".join(f"{name} {value} s" for name, value in seconds.items()) or "none"

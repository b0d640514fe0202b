"""`custody terms`: what is owed, and by when."""

from pathlib import Path
from textwrap import wrap

import click

from streams.cli import _typed
from streams.cli._lists import ledger_options
from streams.cli._screen import WIDTH, clean
from streams.cli._stack import json_option, say_json, settings_of
from streams.core import scrutiny
from streams.core.errors import Misuse
from streams.core.terms import Rule, Terms
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
    doubts = list(scrutiny.doubts(terms.profile))
    if as_json:
        say_json({"version": terms.version, "profile": terms.profile, "doubts": doubts})
        return
    verdict = "can be used, but see below." if doubts else "is right."
    click.echo(f"{clean(terms.profile.name)}  version {terms.version}  {verdict}\n{summary(terms)}")
    for doubt in doubts:
        click.echo("\n".join(wrap(f"Doubtful: {doubt}.", WIDTH)))


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
    from streams.kafka import numbering, progress, topics  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.names import PROGRESS  # noqa: PLC0415
    from streams.kafka.terms import TERMS  # noqa: PLC0415
    from streams.kafka.writer import write_all  # noqa: PLC0415

    settings, text = settings_of(data, file, ledger), profiles.text_of(named)
    terms = profiles.checked(text, named)
    with topics.known(settings):
        numbering.check(KafkaLog(settings))
    before = _before(settings)
    write_all(settings, PROGRESS, [progress.declared(TERMS, live=False, terms=terms.version, text=text)])
    if as_json:
        say_json({"ledger": settings.ledger, "before": before, "version": terms.version})
        return
    click.echo(f"Ledger {settings.ledger} has the terms {clean(terms.profile.name)}, version {terms.version}.")
    if before not in {None, terms.version}:
        click.echo(f"Before: version {before}. What the new terms say of all evidence so far:")
        click.echo("\n".join(_typed.command(" ", settings, "replay", "--terms", named)))


def _before(settings: Settings) -> str | None:
    """The version of the ledger's terms; None, and said, where they cannot be read: who declares others mends that."""
    from streams import profiles  # noqa: PLC0415

    try:
        return profiles.parse(declared(settings), "the ledger's terms").version
    except Misuse as error:
        click.echo(f"Before: {clean(error, 200)}", err=True)
        return None


def declared(settings: Settings) -> str:
    """The terms that a ledger declares last, else the default.

    Raises:
        Misuse: they cannot be read, or there is no such ledger.
        Unavailable: the brokers do not answer.
    """
    from streams.kafka import topics  # noqa: PLC0415 - the broker's client is slow to import
    from streams.kafka.broker import KafkaLog  # noqa: PLC0415
    from streams.kafka.terms import terms_of  # noqa: PLC0415

    with topics.known(settings):
        return terms_of(KafkaLog(settings))[0]


def summary(terms: Terms) -> str:
    """What a profile says, in lines."""
    profile = terms.profile
    if not profile.name:
        raise Misuse("terms: name is empty")
    refused = "always" if profile.refused == "always" else f"untold within {profile.told_within} s"
    said = [
        ("finds", ", ".join(profile.findings)),
        ("report", f"{_spans(profile.report)}; {profile.report_when}; grace {profile.grace} s"),
        ("stuck", _spans(profile.stuck)),
        ("refused", f"{refused}; rightly with {', '.join(profile.refused_correctly) or 'no status'}"),
        ("arrives", f"within {profile.unaccounted_after} s of a hand-over to a host that is heard"),
        ("clocks", f"of what is followed may differ by {profile.clock_doubt} s"),
        ("unread", f"{profile.unread.after} s in {', '.join(profile.unread.mailboxes) or 'no mailbox'}"),
        *(("", f"{_watched(one.after)} in {one.mailbox}") for one in profile.unread.rules),
        ("bulk", ", ".join(profile.bulk) or "none: every originator's messages owe what their class owes"),
        *((f"rule {number}", _said(rule)) for number, rule in enumerate(profile.rules, 1)),
    ]
    return "\n".join(line for name, value in said for line in _wrapped(name, value))


def _said(rule: Rule) -> str:
    """A rule in words: to whom it speaks, and what it says."""
    asks = (
        ("class", rule.traffic),
        ("grade", rule.grade),
        ("from", rule.originator_domain),
        ("to", rule.recipient_domain),
    )
    whom = ", ".join(f"{name} {pattern}" for name, pattern in asks if pattern != "*") or "all messages"
    says = [
        f"{name} {_spans(one)}" for name, one in (("report", rule.report), ("stuck", rule.stuck)) if one is not None
    ]
    return f"{whom}: {'; '.join(says)}"


def _watched(after: int | None) -> str:
    return "not watched" if after is None else f"{after} s"


def _wrapped(name: str, value: str) -> list[str]:
    lines = wrap(clean(value), WIDTH - 12) or [""]
    return [f"  {name:<9} {lines[0]}", *(f"  {'':<9} {line}" for line in lines[1:])]


def _spans(seconds: dict[str, int]) -> str:
    return ", ".join(f"{name} {value} s" for name, value in seconds.items()) or "none"

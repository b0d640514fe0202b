"""`custody trace`: everything that is known of one message, in order, each with its place in the evidence."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli import _door, _typed
from streams.cli._grouped import groups
from streams.cli._journey import discharges, steps
from streams.cli._lists import columns, list_options, opened, say, say_list
from streams.cli._screen import clean, flow, hour, moment, priority, since, wrapped
from streams.core.errors import Misuse
from streams.settings import Settings
from streams.warehouse.named import CANDIDATES, bare

if TYPE_CHECKING:
    from streams.warehouse.questions import Rows, Warehouse

SET_IN = " " * 10
"""Before what does not fit beside the first words of a heading."""

NAMED = 12
"""Hosts that are named of those that have said nothing."""

_WORDS = {
    "not-asked": "no report asked",
    "expected": "report expected",
    "beyond-sight": "beyond sight of reports",
}
"""What is said of the state of a report where no time says more."""

_AFTER_ALL = frozenset({"discarded", "quarantined"})
"""What became of a message although its delivery was proven."""


@click.command()
@click.argument("named", metavar="ID|QUEUE-ID|RECIPIENT")
@list_options
@click.option(
    "--limit", type=click.IntRange(2), default=CANDIDATES, show_default=True, help="Messages of such a list, at most."
)
@click.option("--raw", is_flag=True, help="Show the raw lines and parts that prove it.")
def command(  # noqa: PLR0913 - options
    *, named: str, data: Path | None, file: Path | None, ledger: str | None, as_json: bool, limit: int, raw: bool
) -> None:
    r"""Say where a message is, who held it last and what happened, by Message-ID, queue id or recipient.

    It is taken as copied from a log, with or without <>. The beginning of a Message-ID is enough, of six characters or
    more; a queue id must be whole. The id of an alert, a unit or a case means its messages, too. What could mean
    several messages gives a list of them.

    \b
    Examples: custody trace day-0129.lost@origin.test
              custody trace 4jYMZL52lmz1TCJ3 --raw
    """
    settings, warehouse = opened(data, file, ledger)
    clock, found = warehouse.clock(), warehouse.candidates(named, limit)
    refused = warehouse.turned_away(named, limit) if is_of_somebody(named, found) else []
    door = _door.lines(refused, limit)
    beside = ["", *door] if door else []
    if not found and not refused:
        hint = "is its evidence imported? another ledger: --ledger NAME. A queue id must be whole"
        raise Misuse(f"Nothing is known of {clean(named, 60)} in ledger {settings.ledger}.", hint=hint)
    one = len(found) == 1
    if as_json:
        answer = _answer(warehouse, found[0], raw=raw) if one else {"candidates": found}
        say_list(settings, clock, **answer, rejections=refused)
    elif not found:
        say(door)
    elif one:
        key = found[0]["message_key"]
        next_ = ["", *_typed.command("Raw lines:", settings, "trace", "--raw", named=[key])]
        say(raw_lines(warehouse.raw(key)) if raw else [*_lines(warehouse, found[0], clock), *next_, *beside])
    else:
        say([*choice(named, found, limit), *older(settings, named, found, limit), *beside])


def is_of_somebody(named: str, found: "Rows") -> bool:
    """Is a name an address, and of no message that is known: then what was turned away may be what is looked for."""
    return "@" in named and bare(named) not in {row["message_key"] for row in found}


def _answer(warehouse: "Warehouse", message: dict[str, Any], *, raw: bool) -> dict[str, Any]:
    key = message["message_key"]
    return {"message": message, **warehouse.trace(key), **({"raw": warehouse.raw(key)} if raw else {})}


def choice(named: str, found: "Rows", limit: int) -> list[str]:
    """The messages that are meant perhaps, the latest first."""
    cells = [(moment(one["first_at"])[5:], _who(one["originator"], 24), one["message_key"]) for one in found]
    many = f"{len(found):,} messages{' or more' if len(found) == limit else ''}"
    return [f"{clean(named, 30)} is said of {many}, the latest first:", *columns(cells, "lll", flex=2)]


def older(settings: Settings, named: str, found: "Rows", limit: int) -> list[str]:
    """How to see those that may not be on the list."""
    if len(found) < limit:
        return []
    return ["", *_typed.command("Older ones:", settings, "trace", "--limit", str(10 * limit), named=[bare(named)])]


def raw_lines(rows: "Rows") -> list[str]:
    """Each piece of evidence with its place; parts of several lines are set in."""
    shown = []
    for row in rows:
        shown.append(f"{clean(row['file'])}:{row['offset']}")
        shown += [f"  {clean(line)}" for line in row["raw"].splitlines()]
    return shown or ["No raw text is kept of it (keep_raw, or its retention)."]


def _lines(warehouse: "Warehouse", message: dict[str, Any], clock: dict[str, Any]) -> list[str]:
    known = warehouse.trace(message["message_key"])
    shown = [*heading(message, known, clock), ""]
    shown += columns(steps(known), "llll", indent="", flex=2)
    shown += [line for said in discharges(known["events"]) for line in wrapped(said)]
    shown += unseen(known["events"], warehouse.hosts())
    return shown


def heading(message: dict[str, Any], known: "dict[str, Rows]", clock: dict[str, Any]) -> list[str]:
    """What message it is, and where it stands for each recipient; each of several submissions with its own."""
    units = known["units"]
    whole = clean(message["message_id"] or message["message_key"], 70)
    if not units:
        return [
            f"Message   {whole}",
            f"From      {_who(message['originator'], 48)}, {_no_units(known['events'])}",
        ]
    now, submissions = clock.get("through"), list(groups(units, lambda unit: (unit["host"], unit["queue_id"])))
    if len(submissions) == 1:
        head = flow([f"Message   {whole}", *_burden(units[0])], SET_IN)
        return [head, _from(units[0]), *_standing(units, now)]
    shown = [f"Message   {whole}"]
    for _, some in submissions:
        what = flow([f"{SET_IN}{clean(some[0]['queue_id'], 30)}", *_burden(some[0])], SET_IN)
        shown += [_from(some[0]), what, *_standing(some, now)]
    return shown


def _who(originator: str | None, most: int) -> str:
    """A sender; the null one is "<>", and one that no evidence names is nobody in particular."""
    return "unknown" if originator is None else clean(originator or "<>", most)


def _burden(unit: dict[str, Any]) -> list[str]:
    """How urgent and how large a submission is."""
    return [priority(unit["priority"]), *([f"{unit['size']:,} bytes"] if unit["size"] else [])]


def _standing(units: "Rows", now: Any) -> list[str]:
    return [line for unit in units for line in standing(unit, now)]


def _no_units(events: "Rows") -> str:
    """Why no recipient is listed: the message is another's, or nothing names one yet, or it was read a moment ago."""
    if not any(event["kind"] == "submitted" and event["traffic"] == "ours" for event in events):
        arrived = any(event["kind"] == "submitted" or event.get("side") == "received" for event in events)
        return "not submitted by us" if arrived else "its arrival is not in the evidence"
    named = any(event["recipient"] for event in events)
    return "submitted, and where it stands is not derived yet" if named else "submitted, and no recipient is named yet"


def _from(unit: dict[str, Any]) -> str:
    who, where = clean(unit["originator"] or "<>", 70), clean(unit["host"], 30)
    return flow([f"From      {who}", f"submitted {moment(unit['submitted_at'], 3)} at {where}"], SET_IN)


def standing(unit: dict[str, Any], now: Any) -> list[str]:
    """Where a unit stands: for the recipient, and who held it last where it is not proven."""
    lines = [flow([f"To        {clean(unit['recipient'], 70)}", f"{state(unit)}, {report(unit, now)}"], SET_IN)]
    if unit["proof_at"] is None and unit["last_host"]:
        how = f", deleted by hand {hour(unit['deleted_at'], now)}" if unit["deleted_at"] else ""
        held = f"Last held {clean(unit['last_host'], 16)} {clean(unit['last_queue_id'], 20)}{how}"
        lines += wrapped(held, more=SET_IN)
    return lines


def state(unit: dict[str, Any]) -> str:
    """Proven or not."""
    if unit["proof_at"] is None:
        return f"UNPROVEN, {unit['outcome']}"
    after_all = f", yet {unit['outcome']}" if unit["outcome"] in _AFTER_ALL else ""
    return f"PROVEN by {unit['proof']}{after_all}"


def report(unit: dict[str, Any], now: Any) -> str:
    """What became of its report, and how late it is."""
    due, came = unit["report_due"], unit["report_at"]
    match unit["report_state"]:
        case "received" if unit["report"] == "discharged":
            return "no report, settled by hand"
        case "received" if due is None or came is None:
            return "report received"
        case "received":
            return f"report {since(due, came)} late" if came > due else "report in time"
        case "overdue":
            return f"report overdue {since(due, now)}"
        case "blind":
            return f"report overdue {since(due, now)}, blind"
        case other:
            return _WORDS.get(other, f"report {other}")


def unseen(events: "Rows", hosts: list[str]) -> list[str]:
    """What has said nothing of this message; no mail system logs who deleted one."""
    seen = {event["host"] for event in events} | {event["peer"] for event in events}
    kinds = {event["kind"] for event in events}
    missing = [clean(host, 40) for host in hosts if host not in seen]
    silent = missing[:NAMED]
    silent += [f"{len(missing) - NAMED:,} more hosts"] if len(missing) > NAMED else []
    silent += [] if "reported" in kinds else ["any report"]
    lines = wrapped(f"Not seen  {', '.join(silent)}", more=SET_IN) if silent else []
    return [*lines, *(["          The operator's name is not in the log."] if "deleted" in kinds else [])]

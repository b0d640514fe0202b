"""The rights that infra/rights.md lists: read, granted at a broker with an authorizer, and found again in its log."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from confluent_kafka.admin import (  # type: ignore[attr-defined] # its documented place
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streams.kafka.topics import all_topics, topic_name
from tests.waiting import until

PAGE = Path(__file__).parents[2] / "infra" / "rights.md"
PATIENCE = 60
"""Seconds until the broker has taken the rights."""

EVERYBODY = "all of them"

ANY = AclBindingFilter(
    ResourceType.ANY,
    None,  # type: ignore[arg-type] # its stub forgets that these may be anything
    ResourcePatternType.ANY,
    None,  # type: ignore[arg-type]
    None,  # type: ignore[arg-type]
    AclOperation.ANY,
    AclPermissionType.ANY,
)

_CODE = re.compile(r"`([^`]+)`")
_MORE = re.compile(
    r"(Describe|Create) of (every topic|every group|the topic|the group)(?: of the ledger)?(?: `([^`]+)`)?"
)
_SAID = re.compile(
    r"Principal = User:(?P<user>\w+) is (?P<verdict>Allowed|Denied) operation = (?P<operation>\w+) "
    r"from host = \S+ on resource = (?P<kind>\w+):\w+:(?P<name>\S+) for request = (?P<request>\w+)"
)


class Right(NamedTuple):
    """What a user may do to one thing, or to all of its kind (`*`), as Kafka names it: `WRITE`, `TOPIC`, its name."""

    user: str
    operation: str
    kind: str
    name: str


def table(ledger: str) -> set[Right]:
    """The table of the page for a ledger; the users are the first words of its rows.

    Raises:
        ValueError: a row is not as the others are.
    """
    text = PAGE.read_text(encoding="utf-8").partition("Write of topics")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \w.*\|$", text, re.MULTILINE)
    ]
    shared = next(row for row in rows if row[0] == EVERYBODY)
    users = {re.split(r"\W", row[0])[0]: row for row in rows if row is not shared}
    return {right for user, own in users.items() for row in (own, shared) for right in _row(user, row[1:], ledger)}


def _row(user: str, cells: list[str], ledger: str) -> Iterator[Right]:
    writes, reads, groups, more = cells
    topics = {"WRITE": _CODE.findall(writes), "READ": _CODE.findall(reads)}
    for operation, names in topics.items():
        for name in names:
            yield Right(user, operation, "TOPIC", _topic(name, ledger))
    for group in _CODE.findall(groups):
        for name in topics["READ"] if "TOPIC" in group else ("",):
            yield Right(user, "READ", "GROUP", _filled(group.replace("TOPIC", name), ledger))
    for operation, what, name in _MORE.findall(more):
        kind = what.split()[1].upper()
        if what == "every topic":
            for one in all_topics():
                yield Right(user, operation.upper(), kind, topic_name(one, ledger))
        else:
            yield Right(user, operation.upper(), kind, _topic(name, ledger) if kind == "TOPIC" else name or "*")


def _topic(name: str, ledger: str) -> str:
    if name == "CHANGELOG":
        (name,) = re.findall(r"`CHANGELOG`, Faust's, is `([^`]+)`", PAGE.read_text(encoding="utf-8"))
        return _filled(name, ledger)
    return topic_name(name, ledger)


def _filled(name: str, ledger: str) -> str:
    return name.replace("LEDGER", ledger)


def grant(admin: AdminClient, rights: Iterable[Right]) -> None:
    """Have the broker grant them, from anywhere; it takes a moment until it goes by what it took."""
    bindings = [
        AclBinding(
            ResourceType[one.kind],
            one.name,
            ResourcePatternType.LITERAL,
            f"User:{one.user}",
            "*",
            AclOperation[one.operation],
            AclPermissionType.ALLOW,
        )
        for one in rights
    ]
    for future in admin.create_acls(bindings, request_timeout=PATIENCE).values():
        future.result(PATIENCE)
    until(lambda: len(admin.describe_acls(ANY).result(PATIENCE)) == len(bindings), "rights that count", PATIENCE)


def said(log: Path, verdict: str) -> set[tuple[Right, str]]:
    """What the authorizer's log says was `Allowed`, or `Denied`, and the request that it was for.

    Args:
        log: the broker's; what was rolled away from it is beside it.
        verdict: one of the two.
    """
    return {
        (Right(found["user"], found["operation"], found["kind"].upper(), found["name"]), found["request"])
        for file in log.parent.glob(f"{log.name}*")
        for found in _SAID.finditer(file.read_text(encoding="utf-8", errors="replace"))
        if found["verdict"] == verdict
    }

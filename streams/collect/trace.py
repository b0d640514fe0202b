"""The trace of a message in its Received lines: which hosts it passed, and what each called it.

Source: RFC 5321 4.4. The lines stand newest first; what a host wrote before ours may be forged, so only declared hosts
count.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from streams.collect.declaration import Declaration
from streams.collect.queueid import is_queue_id

LINES = 100
"""Received lines that are looked at: more is a loop."""

LENGTH = 2000
"""Characters of one that are looked at."""

_BY = re.compile(r"\bby\s+([^\s(;]+)")
_ID = re.compile(r"\bid\s+([0-9A-Za-z-]+)(?=[\s;]|$)")
_FOR = re.compile(r"\bfor\s+<([^<>\s]{1,320})>\s*(?:;|$)")
_EXIM = re.compile(r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}")
"""Exim's message ids, before and since 4.97."""


class Hop(NamedTuple):
    """One stay: a declared host and its queue id."""

    host: str
    queue_id: str


def hops(received: Sequence[str], declaration: Declaration) -> list[Hop]:
    """The stays at declared hosts, oldest first; `received` are the unfolded lines as they stand."""
    return [hop for line in reversed(received[:LINES]) if (hop := _hop(line[:LENGTH], declaration))]


def only_one(received: Sequence[str], declaration: Declaration, stay: Hop) -> str:
    """The recipient that a message had alone at a stay; "" where the stay's line names none: there were several."""
    line = next((one[:LENGTH] for one in received[:LINES] if _hop(one[:LENGTH], declaration) == stay), "")
    found = _FOR.search(line)
    return found[1] if found else ""


def _hop(line: str, declaration: Declaration) -> Hop | None:
    by, number = _BY.search(line), _ID.search(line)
    if not by or not number or not declaration.is_declared(by[1]):
        return None
    known = is_queue_id(number[1]) or _EXIM.fullmatch(number[1])
    return Hop(declaration.host_of(by[1]), number[1]) if known else None

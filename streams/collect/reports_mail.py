"""A mail taken apart, as far as reports need it: parts with their fields, in one pass over bounded bytes.

Rules:
- The standard library's parser reads every line of every attachment, nests as deep as a mail likes and can raise on
  foreign bytes; reports need a few fields of three parts. This one finds boundaries in the bytes and looks at nothing
  else.
- Sizes, numbers and depth are bounded: foreign mail costs little, whatever it holds. It never raises. Where a bound
  leaves out what may count, a part tells (`whole`) or it is said (`parts`). Only a field's value is cut in silence, and
  what follows it counts: of none is so much read.
- Texts are UTF-8; what is not becomes U+FFFD. Values are unfolded, names are in lower case.
"""

import binascii
import re
from itertools import islice
from typing import NamedTuple

CAP = 4 * 1024 * 1024
"""Bytes of a mail that are looked at."""

FIELD = 256 * 1024
"""Bytes of one field that are looked at."""

LINES, OWN = 5_000, 300
"""Fields of one block, and of a part inside a mail."""

DEPTH, PARTS, MARKS = 5, 200, 5_000
"""How deep parts nest, how many there are, and how many lines of one part look like its boundary."""

CUT = f"a report cut at {CAP} bytes"
"""Said of one that what counts of it is not within."""

_FIELD = re.compile(rb"\n([^\s:]{1,79})[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
"""A name and a value, with its folds; possessive, for of folds there may be any number."""
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_SHOWN = 1000
"""Bytes of a body that show whether it is base64, as it says."""

Fields = dict[str, list[str]]
"""Values by name, in the order in which they stand."""


class Part(NamedTuple):
    """A mail, or a part of one.

    Attributes:
        kind: content type, lower case.
        fields: its own.
        body: as it stands, encoded for transfer.
        whole: is it all there, and not cut with its mail at `CAP`.
    """

    kind: str
    fields: Fields
    body: bytes
    whole: bool = True

    def first(self, name: str) -> str:
        """The first value of a field; "" where there is none."""
        return first(self.fields, name)

    def content(self) -> bytes:
        """The body, decoded."""
        encoding = self.first("content-transfer-encoding").lower()
        if encoding == "base64":
            return _plain(_of_base64(self.body))
        return _plain(binascii.a2b_qp(self.body)) if encoding == "quoted-printable" else self.body


def part(raw: bytes) -> Part:
    """A mail or part of its bytes; line ends may be of any kind."""
    return _part(_plain(raw[:CAP]).lstrip(b"\n"), LINES, whole=len(raw) <= CAP)


def parts(mail: Part) -> tuple[list[Part], str]:
    """A mail and all its parts, each before its own; an attached mail is one. And what was not looked at, or ""."""
    waiting, given = [(mail, DEPTH)], list[Part]()
    more = f"a mail of {LINES} fields or more" if sum(map(len, mail.fields.values())) >= LINES else ""
    while waiting and len(given) < PARTS:
        one, left = waiting.pop()
        given.append(one)
        if left:
            waiting += [(below, left - 1) for below in reversed(_inner(one))]
        elif one.kind.startswith("multipart/"):
            more = f"parts that nest deeper than {DEPTH}"
    return given, f"a mail of more than {PARTS} parts" if waiting else more


def fields(block: bytes, lines: int = LINES) -> list[tuple[str, str]]:
    """Names and values of a block of fields, in their order; a line that is no field is left out."""
    found = []
    for field in islice(_FIELD.finditer(b"\n" + block), lines):
        name, value = field.groups()
        found.append((_text(name).lower(), " ".join(_text(value[:FIELD]).split())))
    return found


def first(values: Fields, name: str) -> str:
    """The first value of a field; "" where there is none."""
    found = values.get(name)
    return found[0] if found else ""


def grouped(pairs: list[tuple[str, str]]) -> Fields:
    """Fields by name."""
    found: Fields = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _plain(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"") if b"\r" in raw else raw


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _of_base64(body: bytes) -> bytes:
    """Decoded; what is cut within a group counts as far as it goes, and as it stands where it only says to be that."""
    if _NOT_BASE64.search(body, 0, _SHOWN):
        return body
    for less in range(4):
        try:
            return binascii.a2b_base64(body[: len(body.rstrip()) - less])
        except binascii.Error:
            continue
    return body


def _part(raw: bytes, lines: int, *, whole: bool = True) -> Part:
    head, _, body = (b"", b"", raw[1:]) if raw.startswith(b"\n") else raw.partition(b"\n\n")
    own = grouped(fields(head, lines))
    kind = first(own, "content-type").partition(";")[0].strip().lower()
    return Part(kind or "text/plain", own, body, whole)


def _inner(one: Part) -> list[Part]:
    """A part's own parts; the last is cut where it is."""
    raws = _between(one.body, _mark(one)) if one.kind.startswith("multipart/") else []
    return [_part(raw, OWN, whole=one.whole or number < len(raws)) for number, raw in enumerate(raws, 1)]


def _mark(one: Part) -> bytes:
    """The line that parts stand between: as declared, else the first that looks like one."""
    declared = _BOUNDARY.search(one.first("content-type"))
    if declared:
        mark = b"--" + (declared[1] or declared[2]).encode("utf-8", "replace")
        if _next(one.body, mark) >= 0:
            return mark
    start = 0 if one.body.startswith(b"--") else one.body.find(b"\n--") + 1
    line = one.body[start : start + 200].partition(b"\n")[0].rstrip()
    return line if line.startswith(b"--") else b""


def _next(body: bytes, mark: bytes, after: int = -1) -> int:
    """Where a line begins with the mark; -1 where none does any more."""
    if after < 0 and body.startswith(mark):
        return 0
    at = body.find(b"\n" + mark, max(after, 0))
    return at + 1 if at >= 0 else -1


def _between(body: bytes, mark: bytes) -> list[bytes]:
    """What stands between the lines that are the boundary; after the closing one nothing counts."""
    found: list[bytes] = []
    start, at = -1, _next(body, mark) if mark else -1
    for _ in range(MARKS):
        if at < 0 or len(found) >= PARTS:
            break
        line, _, _ = body[at + len(mark) : at + len(mark) + 100].partition(b"\n")
        closing = line.startswith(b"--")
        if closing or not line.strip():
            if start >= 0:
                found.append(body[start : max(start, at - 1)])
            start = at + len(mark) + len(line) + 1
        if closing:
            return found
        at = _next(body, mark, at)
    if start >= 0:
        found.append(body[start:])  # cut off
    return found

"""A mail taken apart, as far as reports need it: parts with their fields, in one pass over bounded bytes.

Rules:
- The standard library's parser reads every line of every attachment, nests as deep as a mail likes and can raise on
  foreign bytes; reports need a few fields of three parts. This one finds boundaries in the bytes and looks at nothing
  else.
- Sizes, numbers and depth are bounded: foreign mail costs little, whatever it holds. It never raises.
- Texts are UTF-8; what is not becomes U+FFFD. Values are unfolded, names are in lower case.
"""

import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

CAP = 4 * 1024 * 1024
"""Bytes of a mail that are looked at."""

HEADERS = 256 * 1024
"""Bytes of one block of fields that are looked at."""

LINES, OWN = 5_000, 300
"""Fields of one block, and of a part inside a mail."""

TEXT = 512 * 1024
"""Bytes of a part's body that are decoded."""

DEPTH, PARTS, MARKS = 5, 200, 5_000
"""How deep parts nest, how many there are, and how many lines of one part look like its boundary."""

_FOLD = re.compile(r"\n[ \t]+")
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = 80
"""Characters that a field's name may have."""

Fields = dict[str, list[str]]
"""Values by name, in the order in which they stand."""


class Part(NamedTuple):
    """A mail, or a part of one.

    Attributes:
        kind: content type, lower case.
        fields: its own.
        body: as it stands, encoded for transfer.
    """

    kind: str
    fields: Fields
    body: bytes

    def first(self, name: str) -> str:
        """The first value of a field; "" where there is none."""
        return first(self.fields, name)

    def content(self) -> bytes:
        """The start of the body, decoded."""
        encoding, body = self.first("content-transfer-encoding").lower(), self.body[:TEXT]
        try:
            if encoding == "base64":
                return _plain(binascii.a2b_base64(body[: len(body) // 4 * 4] if len(body) == TEXT else body))
            return _plain(binascii.a2b_qp(body)) if encoding == "quoted-printable" else body
        except binascii.Error:  # as some write it: the encoding is said and not used
            return body


def part(raw: bytes) -> Part:
    """A mail or part of its bytes; line ends may be of any kind."""
    return _part(_plain(raw[:CAP]).lstrip(b"\n"), LINES)


def parts(mail: Part, depth: int = DEPTH) -> Iterator[Part]:
    """A mail and all its parts, each before its own; an attached mail is one."""
    waiting, given = [(mail, depth)], 0
    while waiting and given < PARTS:
        one, left = waiting.pop()
        given += 1
        yield one
        if left and one.kind.startswith("multipart/"):
            inner = [_part(raw, OWN) for raw in _between(one.body, _mark(one))]
            waiting += [(below, left - 1) for below in reversed(inner)]


def fields(block: bytes, lines: int = LINES) -> list[tuple[str, str]]:
    """Names and values of a block of fields, in their order; a line that is no field is left out."""
    text = block[:HEADERS].decode("utf-8", "replace").replace("\0", "\ufffd")
    found = []
    for line in _FOLD.sub(" ", text).split("\n", lines)[:lines]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon and name and len(name) < _NAME and " " not in name:
            found.append((name, " ".join(value.split())))
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


def _part(raw: bytes, lines: int) -> Part:
    head, _, body = (b"", b"", raw[1:]) if raw.startswith(b"\n") else raw.partition(b"\n\n")
    own = grouped(fields(head, lines))
    kind = first(own, "content-type").partition(";")[0].strip().lower()
    return Part(kind or "text/plain", own, body)


def _mark(one: Part) -> bytes:
    """The line that parts stand between: as declared, else the first that looks like one."""
    declared = _BOUNDARY.search(one.first("content-type")[:HEADERS])
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

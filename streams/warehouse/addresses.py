"""How an address is spelt in the warehouse's texts, and what names somebody without being one: as regular expressions.

Rules:
- An address is the whole of it, in any case: those that only end or begin with it are other people's. A sign that a
  local part may have (RFC 5321 4.1.2, atext) belongs to the letter or digit before it; elsewhere it is a quotation mark
  or the like. "=" stands behind the name of a value.
- Its local part may be quoted, its signs may be written as xtext (RFC 3461 4), its letters composed or decomposed.
- Whether a word that ends in an address is another's (`x-carol@d.test`) or has something before it (`-fcarol@d.test`,
  `/mail/carol@d.test`, `+3Ccarol@d.test`) cannot be told: no pattern finds it but `within`, for a person to look at.
- A name that is no address (an O/R name, one without a domain, one with blanks) cannot be told from other words: a text
  names it where it has nothing else.
- The engine reads them as RE2: only ASCII signs may be escaped, and nothing is looked at without being taken.
"""

import re
import secrets
import unicodedata

from streams.core.errors import Misuse
from streams.warehouse.named import bare

_ADDRESS = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<plain>\S+))@(?P<domain>[^\s@]+)')
_ATOMS = re.compile(r'[^\s"(),:;<>@\[\]\\]+')
_SIGN = re.compile(r"[^\w\u0080-\U0010ffff]", re.ASCII)
_QUOTE = r'(?:\\?"|\+22)'
_XTEXT = r"\+"
_CODES = "[+%=]"
"""What stands before the number of a sign: in xtext, in URLs, in quoted-printable."""

_LETTERS = r"A-Za-z0-9\pL\pM\pN"
_SIGNS = r"!#$&'*/?^`{|}~"
_BEFORE = rf"(^|[^{_LETTERS}._%+\-{_SIGNS}]|(?:^|[^{_LETTERS}])[{_SIGNS}])"
_WORD = r"""[^\s<>"(),:;@]*"""
_END = rf"(?:[.\-]*$|[.\-]*[^{_LETTERS}.\-])"
_BEHIND = rf"(\.?$|\.?[^{_LETTERS}.\-]|\.[^{_LETTERS}])"


def is_address(name: str) -> bool:
    """Can it be told from other words, wherever it stands."""
    return bool(_ADDRESS.fullmatch(bare(name)))


def pattern(name: str) -> str:
    """Finds who is named; what stands before and behind are its two groups.

    Raises:
        Misuse: it names nobody.
    """
    spelt = _spelt(name)
    return f"(?i){_BEFORE}{spelt}{_BEHIND}" if is_address(name) else f"(?i)^(<?){spelt}(>?)$"


def within(name: str) -> str:
    """Finds every word that ends in an address, in any code of its signs; the word is its group.

    Raises:
        Misuse: it names nobody.
    """
    return f"(?i)({_WORD}{_spelt(name, _CODES)}){_END}"


def quoted(name: str) -> str:
    """Finds who is named in a document whose values are quoted, as TOML's are.

    Raises:
        Misuse: it names nobody.
    """
    return pattern(name) if is_address(name) else f"""(?i)["']{_spelt(name)}["']"""


def pseudonym(name: str) -> str:
    """What takes the place of a `pattern`: a random name in the same domain."""
    found = _ADDRESS.fullmatch(bare(name))
    domain = "@" + found["domain"].lower().replace("\\", r"\\") if found else ""
    return rf"\1forgotten-{secrets.token_hex(8)}{domain}\2"


def _spelt(name: str, codes: str = _XTEXT) -> str:
    named = bare(name)
    if not named:
        raise Misuse(f"{name!r} names nobody.", hint="custody forget name@domain")
    forms = sorted({unicodedata.normalize(form, named) for form in ("NFC", "NFD")})
    return f"(?:{'|'.join(_form(form, codes) for form in forms)})"


def _form(named: str, codes: str) -> str:
    found = _ADDRESS.fullmatch(named)
    if not found:
        return _signs(named, codes)
    local = _signs(found["quoted"] or found["plain"], codes)
    needs_quotes = found["quoted"] and not _ATOMS.fullmatch(found["quoted"])
    plain = "" if needs_quotes else f"|{local}"
    return f"(?:{_QUOTE}{local}{_QUOTE}{plain}){_signs('@' + found['domain'], codes)}"


def _signs(text: str, codes: str) -> str:
    return _SIGN.sub(lambda sign: rf"(?:\{sign[0]}|{codes}{ord(sign[0]):02X})", text)

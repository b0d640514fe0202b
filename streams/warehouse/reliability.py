"""The reliability views: one contract, grouped in several ways."""

from streams.warehouse.scripts import domain, text

_PRIORITY = ("priority", "Int32", "RFC 6710 MT-PRIORITY", "")
_DOMAINS = (
    ("originator_domain", "String", "Domain of the originator; empty where it has none", domain("originator")),
    ("recipient_domain", "String", "Domain of the recipient; empty where it has none", domain("recipient")),
)

BY: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "reliability": (_PRIORITY, *_DOMAINS),
    "reliability_total": (),
    "reliability_daily": (("day", "Date32", "Of submission, UTC", "toDate32(submitted_at)"),),
    "reliability_by_priority": (_PRIORITY,),
    "reliability_by_peer": (("peer", "String", "First next party", ""),),
    "reliability_by_domain": _DOMAINS,
}
"""Names of the views, and their columns: name, type, comment and definition (none where custody has it)."""


def view(name: str) -> str:
    """The statement that makes a reliability view."""
    columns = BY[name]
    return (
        text("reliability.sql")
        .replace("@columns", "".join(f"{c} {kind} COMMENT '{note}', " for c, kind, note, _ in columns))
        .replace("@rows", f"Units of ours, and how many arrived in time: {_rows([c for c, *_ in columns])}")
        .replace("@names", "".join(f"{c}, " for c, *_ in columns))
        .replace("@name", name)
        .replace("*, @by", ", ".join(["*", *(f"{how} AS {c}" for c, _, _, how in columns if how)]))
        .replace("@group", "GROUP BY " + ", ".join(c for c, *_ in columns) if columns else "")
    )


def _rows(names: list[str]) -> str:
    return f"by {', '.join(names)}" if names else "all of them"

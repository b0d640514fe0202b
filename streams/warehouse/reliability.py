"""The reliability views: one contract, grouped in several ways."""

from streams.warehouse.scripts import text

BY: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "reliability": (
        ("priority", "Int32", "RFC 6710 MT-PRIORITY", ""),
        ("originator_domain", "String", "Domain of the originator", "lower(splitByChar('@', originator)[-1])"),
        ("recipient_domain", "String", "Domain of the recipient", "lower(splitByChar('@', recipient)[-1])"),
    ),
    "reliability_total": (),
    "reliability_daily": (("day", "Date", "Of submission, UTC", "toDate(submitted_at)"),),
    "reliability_by_priority": (("priority", "Int32", "RFC 6710 MT-PRIORITY", ""),),
    "reliability_by_peer": (("peer", "String", "First next party", ""),),
    "reliability_by_domain": (
        ("originator_domain", "String", "Domain of the originator", "lower(splitByChar('@', originator)[-1])"),
        ("recipient_domain", "String", "Domain of the recipient", "lower(splitByChar('@', recipient)[-1])"),
    ),
}
"""Names of the views, and their columns: name, type, comment and definition (none where custody has it)."""


def view(name: str) -> str:
    """The statement that makes a reliability view."""
    columns = BY[name]
    return (
        text("reliability.sql")
        .replace("@columns", "".join(f"{c} {kind} COMMENT '{note}', " for c, kind, note, _ in columns))
        .replace("@names", "".join(f"{c}, " for c, *_ in columns))
        .replace("@name", name)
        .replace("*, @by", ", ".join(["*", *(f"{how} AS {c}" for c, _, _, how in columns if how)]))
        .replace("@group", "GROUP BY " + ", ".join(c for c, *_ in columns) if columns else "")
    )

"""What the cause of an alarm must say of the fault that brought it about."""

import re

_LAST_SEEN = {
    "lost-inside": "waiting on {}",
    "twin-lost": "waiting on {}",
    "held": "on hold on {}",
    "deleted": "deleted by hand on {}",
    "dropped": "left {}, not seen since",
    "stranded": "left {}, not seen since",
    "diverted": "left {}, not seen since",
}
_PROVEN = frozenset({"report-lost", "report-deleted", "report-uncollected", "report-late"})
_OF_RULES = {
    "unread": "mailbox of .*",
    "not-read": "mailbox of .*",
    "duplicate": "mailbox of .*",
    "identity-reused": "one Message-ID, submitted again",
    "uncorroborated-report": "a report of a message that nobody saw submitted",
    "misrouted": "handed on for another recipient, and nothing says why",
}
_OF_REPORTS = frozenset({"overdue", "blind", "clock-doubt"})


def explanation(rule: str, fault: str, place: str, gave_up: str = "") -> str:
    """What the cause of an alarm must say of a fault that befell a message, as a pattern; "" where any will do.

    Args:
        rule: of the alarm.
        fault: that is blamed.
        place: where it befell the message; "" where it did not.
        gave_up: the host that had given the message up by then; "" where none had.
    """
    if rule in _OF_RULES:
        return _OF_RULES[rule]
    if gave_up and rule in {*_OF_REPORTS, "refused"}:
        return f"given up on {re.escape(gave_up)}"
    if rule not in {*_OF_REPORTS, "deleted"}:
        return ""
    if fault in _PROVEN:
        return "delivered, but its report was not seen"
    if not place:  # the twin that arrives was befallen nowhere
        return ""
    return _LAST_SEEN.get(fault, "").format(re.escape(place))

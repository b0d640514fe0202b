"""Any event that the envelope can carry, for tests of the wire."""

from typing import Any

from hypothesis import strategies as st

from streams.core.events import Kind, MessageEvent, Traffic
from streams.wire.envelope import FIRST, LAST

hashes = st.binary(min_size=16, max_size=16)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ("", "ß", "a" * 200, "ü" * 3000, "\0")
)
longs = st.integers(-(2**63), 2**63 - 1) | st.sampled_from((0, 4095, 4096, 2**48, 2**54 - 1, 2**54, -1))
ints = st.integers(-(2**31), 2**31 - 1)
times = st.integers(FIRST, LAST - 1)
"""Years 1900 to 2298, microseconds."""


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A field that the evidence may be silent about."""
    return st.none() | strategy


_OPTIONAL_TEXTS = (
    "original_recipient", "next_queue_id", "peer", "side", "message_id", "mts_id", "originator", "content_type",
    "action", "status", "diagnostic", "subject_key", "file",
)  # fmt: skip

events = st.builds(
    MessageEvent,
    event_id=hashes,
    kind=st.sampled_from(list(Kind)),
    occurred_at=times,
    observed_at=times,
    leg=hashes,
    next_leg=maybe(hashes),
    message_key=texts,
    host=texts,
    queue_id=texts,
    recipient=texts,
    source=texts,
    recipients_expected=maybe(ints),
    priority=maybe(st.integers(-9, 9)),
    size=maybe(longs),
    traffic=maybe(st.sampled_from(list(Traffic))),
    digest=maybe(st.binary(min_size=32, max_size=32)),
    subject_event=maybe(hashes),
    report_requested=maybe(st.booleans()),
    seq=ints,
    offset=maybe(longs),
    attributes=st.lists(texts, max_size=3).map(tuple),
    **{name: maybe(texts) for name in _OPTIONAL_TEXTS},
)

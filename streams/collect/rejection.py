"""What was turned away at the door: a recipient, or a message, that a host refused while its client was connected.

Nobody has had custody of it, so it is no MessageEvent, and nothing is owed. The client was told, and what it does about
it is evidence of its own.
"""

import msgspec

from streams.wire import records


class Rejection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One recipient, or one whole message, that a host did not take.

    Attributes:
        rejection_id: 16 bytes, hash of the fact.
        occurred_at: microseconds UTC.
        observed_at: microseconds UTC.
        host: declared name of the host that refused.
        service: who refused there, as its log names it (`submission/smtpd`).
        stage: of the session: RCPT, MAIL, DATA, END-OF-MESSAGE, CONNECT, HELO, header, body, ...
        client: host name of the client, or "unknown".
        address: of the client.
        code: of the SMTP reply; None where the evidence has none.
        status: RFC 3463, or "".
        originator: envelope sender; "" is the null sender, None where none was said yet.
        recipient: envelope recipient; "" where it is the whole message, or none was said yet.
        queue_id: of the message, where one was given by then, or "".
        diagnostic: what the client was told.
        source: declared source.
        file: where the evidence stands.
        offset: byte offset in it.
    """

    rejection_id: bytes
    occurred_at: int
    observed_at: int
    host: str
    service: str
    stage: str
    client: str
    address: str
    code: int | None
    status: str
    originator: str | None
    recipient: str
    queue_id: str
    diagnostic: str
    source: str
    file: str
    offset: int

    def encode(self) -> bytes:
        """A framed value of the topic `rejections`."""
        return records.encode("rejection", msgspec.structs.asdict(self))

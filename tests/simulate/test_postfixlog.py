"""What the simulation writes reads like what Postfix wrote in the laboratory, line by line."""

import lzma
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.simulate.acts import Agent, Entrant, Notice, Order, Via
from streams.simulate.directory import Directory
from streams.simulate.postfixlog import PostfixLog, delays, seconds
from tests.simulate.worlds import DECLARATION, Stage, journey

DATA = Path(__file__).parents[1] / "data"
_KINDS = (
    (re.compile(r"postfix(?:-[a-z]+)?/(?:[a-z]+/)?([a-z]+)\[\d+\]"), r"postfix/\1[P]"),
    (re.compile(r'replacing command "([A-Za-z]+ [A-Za-z]+:).*" with "([A-Za-z]+ [A-Za-z]+:).*?( NOTIFY=.*)?"$'), "C"),
    (re.compile(r"ehlo=1.*commands=\d+"), "COMMANDS"),
    (re.compile(r"\((?!queue active).*\)$"), "(WORDS)"),
    (re.compile(r"connect to .*"), "connect to WORDS"),
    (re.compile(r"<[^>]*>"), "<A>"),
    (re.compile(r"\b[0-9A-Za-z]{10,14}z[0-9A-Za-z]{3,}\b|\b[0-9A-F]{9,12}\b"), "Q"),
    (re.compile(r"[\w.-]+\[[\d.]+\](:\d+)?"), "PARTY"),
    (re.compile(r"=[\d./]+"), "=N"),
    (re.compile(r"(Priority|MT-Priority): [\w-]+"), "Priority: V"),
    (re.compile(r" from (?:PARTY|local); "), " from C; "),
    (re.compile(r" proto=ESMTP helo=<A>$"), ""),
    (re.compile(r"status=(?:force-)?expired"), "status=expired"),
)


def shape(text: str) -> str:
    """A line's form without what differs from message to message."""
    for pattern, name in _KINDS:
        text = pattern.sub(name, text)
    return text


def real() -> Iterator[str]:
    """What stands behind time and host in the laboratory's logs."""
    for file in (*(DATA / "postfix").glob("*.log.xz"), *(DATA / "day").glob("*.log.xz")):
        for line in lzma.decompress(file.read_bytes()).decode("utf-8", "replace").splitlines():
            yield line[16:].partition(" ")[2]


@pytest.fixture(scope="module")
def shapes() -> frozenset[str]:
    """All forms that were seen there."""
    return frozenset(map(shape, real()))


def lines(stage: Stage, host: str = "alpha") -> list[str]:
    """What a host says of all acts."""
    log = PostfixLog(Directory(DECLARATION))
    return [text for act in stage.acts if act.host == host for _, text in log.lines(act)]


def busy() -> Stage:
    """A stage on which everything happened that a switch has a line for."""
    stage = Stage()
    first, _, _ = journey(stage)
    stage.enter(priority=4, envelope_id="E-1")
    stage.enter(via=Via.LOCAL, login="ann", client="", address="", priority=0)
    forwarded = stage.enter(via=Via.FORWARD, parent=first.queue_id, client="", address="")
    stage.attempt(forwarded, agent=Agent.LOCAL, status="sent", dsn="2.0.0", reply="forwarded as 4jYLmp4f7fz1TCJl")
    stage.enter(via=Via.REQUEUE, parent=first.queue_id, client="", address="")
    stage.enter("alpha", via=Via.FILTER, service="reinject/smtpd", parent=first.queue_id)
    stage.enter(recipients=(Entrant(to="x@beta.example", asked=False, heard=True), Entrant(to="y@beta.example")))
    late = stage.enter()
    stage.attempt(late)
    stage.later(300)
    stage.attempt(late)
    stage.notify(late, Notice.DELAYED)
    stage.expire(late)
    stage.notify(late, Notice.FAILED)
    stage.leave(late)
    for order in Order:
        stage.order(stage.enter(), order)
    stage.expire(stage.enter(), forced=True)
    refused = stage.enter()
    words = "host mx.beta.example[10.2.0.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)"
    stage.attempt(refused, relay="beta", address="10.2.0.1", status="bounced", dsn="5.1.1", reply=words)
    stage.attempt(stage.enter(), agent=Agent.ERROR, status="bounced", dsn="5.1.2", reply="no such domain")
    return stage


@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_every_line_has_a_form_that_real_logs_have(host: str, shapes: frozenset[str]) -> None:
    """No line is of a form that Postfix did not write itself."""
    said = lines(busy(), host)
    assert len(said) >= 10
    assert [text for text in said if shape(text) not in shapes] == []


def test_a_login_is_told_as_smtpd_tells_it() -> None:
    """No sample has one; the form is smtpd's own (smtpd_sasl_glue)."""
    stage = Stage()
    entry = stage.enter(via=Via.SASL, service="submission/smtpd", login="ann")
    (opened,) = [text for text in lines(stage) if "client=" in text]
    assert opened.startswith("postfix/submission/smtpd[")
    assert opened.endswith(
        f"]: {entry.queue_id}: client=desk7.alpha.example[10.1.9.7], sasl_method=PLAIN, sasl_username=ann"
    )


def test_sessions_that_interleave_are_of_different_processes() -> None:
    """A command belongs to its entry by the process alone."""
    stage = Stage()
    for _ in range(30):
        stage.enter()
    opened = [text.partition("[")[2].partition("]")[0] for text in lines(stage) if ": client=" in text]
    assert len(set(opened)) == len(opened)


def test_a_message_taken_up_again_says_how_many_recipients_are_left() -> None:
    """Two of three were delivered at once; the third waits."""
    stage = Stage()
    entry = stage.enter("alpha", "a@beta.example", "b@beta.example", "c@beta.example")
    for to in ("a@beta.example", "b@beta.example"):
        stage.attempt(entry, to, status="sent", dsn="2.0.0", relay="beta", reply="250 Ok: queued as 4jYLmp4f7fz1TCJl")
    stage.attempt(entry, "c@beta.example")
    stage.later(300)
    stage.attempt(entry, "c@beta.example")
    assert [text.rpartition("nrcpt=")[2] for text in lines(stage) if "nrcpt=" in text] == [
        "3 (queue active)",
        "1 (queue active)",
    ]


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0"),
        (4_000, "0"),
        (6_000, "0.01"),
        (110_000, "0.11"),
        (1_140_000, "1.1"),
        (9_040_000, "9"),
        (17_200_000, "17"),
    ],
)
def test_delays_have_two_digits(micros: int, text: str) -> None:
    """As in the samples: 0.01, 1.1, 17."""
    assert seconds(micros) == text


def test_the_parts_of_a_delay_make_the_whole() -> None:
    """What the queue manager waited stands first."""
    assert delays(300_000_000) == "300/0.01/0.01/0.02"

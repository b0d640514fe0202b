"""Real Postfix and Dovecot, with everything done to messages that can be done: Custody says what was done.

Times are those of the log: what was found is compared with when it was done, never with when we looked.
"""

from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.kafka.broker import KafkaLog
from streams.kafka.terms import terms_of
from streams.track.replay import Replay, compare, live
from streams.warehouse.client import ask
from streams.warehouse.questions import Warehouse
from tests.lab.ledger import EPOCH, Said, is_within, key_of
from tests.lab.network import CREW, TEAM
from tests.lab.play import Play
from tests.lab.watchers import KINDS

pytestmark = [pytest.mark.service, pytest.mark.lab]

SOON = timedelta(seconds=5)
"""The term of what is to be late."""


def assert_overdue_when_due(played: Play, name: str, term: timedelta = SOON) -> None:
    """Overdue was raised at the submission and its term."""
    letter = played.letters[name]
    alert = played.said[letter.case].alert("overdue", letter.queue_id)
    assert letter.before + term <= alert["raised_at"] <= letter.after + term


def assert_delivered_in_time(said: Said, *members: str) -> None:
    """Nothing is found, and the store and a report have said that it was delivered."""
    assert said.findings == set()
    unit = said.unit
    assert unit["report_requested"], "asked for by the origin, though the client did not"
    assert (unit["report"], unit["outcome"]) == (("expanded", "expanded") if members else ("delivered", "delivered"))
    assert unit["proof_at"] <= unit["due"]


def reported(said: Said) -> datetime:
    """When the only report of delivery came back."""
    (report,) = (one for one in said.events if one["kind"] == "reported" and one["action"] == "delivered")
    at: datetime = report["occurred_at"]
    return at


def test_delivered_and_read(played: Play) -> None:
    """Nothing is found; the report was asked for though the client did not, and the copy was opened when it was."""
    said = played.said["read"]
    assert_delivered_in_time(said)
    assert is_within(said.unit["read_at"], played.acts["read by read@dest.test"])


def test_delivered_and_never_opened(played: Play) -> None:
    """Unread, fifteen seconds after it was saved."""
    said = played.said["unopened"]
    assert said.findings == {("unread", "unopened@dest.test", "stands")}
    (copy,) = said.copies
    assert said.alert("unread")["raised_at"] == copy["saved_at"] + timedelta(seconds=15)
    assert said.unit["read_at"] is None


def test_destination_down_then_up(played: Play) -> None:
    """Overdue and stuck while the switch is down, both cleared when it is up: told late, never lost."""
    said, letter = played.said["late"], played.letters["late"]
    assert said.findings == {("overdue", "late@late.test", "cleared"), ("stuck", "late@late.test", "cleared")}
    assert_overdue_when_due(played, "late")
    overdue, stuck = said.alert("overdue"), said.alert("stuck")
    assert is_within(stuck["raised_at"], letter.before + timedelta(seconds=4), letter.after + timedelta(seconds=4))
    assert (overdue["holder_host"], overdue["holder_queue_id"]) == ("relay", played.held["late"])
    assert overdue["cause"] == "relay cannot hand on"
    (copy,) = said.copies
    assert is_within(stuck["cleared_at"], played.acts["up"], copy["saved_at"])
    assert is_within(overdue["cleared_at"], copy["saved_at"], reported(said))
    assert (said.unit["outcome"], said.unit["class"]) == ("delivered", "proven_late")


def test_deleted_from_a_queue(played: Play) -> None:
    """A message that an operator deleted is overdue, and the trace names the last queue that held it."""
    said, held = played.said["deleted"], played.held["deleted"]
    assert said.findings == {("deleted", "deleted@lost.test", "stands"), ("overdue", "deleted@lost.test", "stands")}
    assert_overdue_when_due(played, "deleted")
    assert is_within(said.alert("deleted")["raised_at"], played.acts["deleted"])
    for alert in said.alerts:
        assert (alert["holder_host"], alert["holder_queue_id"], alert["proven"]) == ("relay", held, False)
    assert (said.unit["outcome"], said.unit["class"]) == ("deleted", "open")
    shown = CliRunner().invoke(custody, ["trace", key_of("deleted"), "--data", str(played.settings.data)])
    assert shown.exit_code == 0, shown.output
    assert f"Last held relay {held}, deleted by hand" in shown.output


def test_one_of_two_copies_lost(played: Play) -> None:
    """Of two submissions with one Message-ID the lost one stays overdue, at the queue that lost it."""
    said = played.said["twice"]
    kept, lost = (played.letters[name].queue_id for name in ("twice", "twice-lost"))
    found = {(one["rule"], one["queue_id"], one["cleared_at"] is None) for one in said.alerts}
    assert found == {("identity-reused", lost, True), ("overdue", kept, False), ("overdue", lost, True)}
    assert_overdue_when_due(played, "twice")
    assert_overdue_when_due(played, "twice-lost")
    classes = {unit["queue_id"]: (unit["class"], unit["last_queue_id"]) for unit in said.units}
    assert classes[lost] == ("open", played.held["twice-lost"])
    assert classes[kept][0] == "proven_late"
    (copy,) = said.copies
    assert is_within(said.alert("overdue", kept)["cleared_at"], copy["saved_at"], reported(said))


def test_destination_down_until_expiry(played: Play) -> None:
    """What the last switch cannot put anywhere is refused when it gives up, and the originator is told."""
    said = played.said["dead"]
    assert said.findings == {("refused", "somebody@dead.test", "stands")}
    unit, alert = said.unit, said.alert("refused")
    lifetime = timedelta(seconds=4)
    assert alert["raised_at"] >= played.letters["dead"].before + lifetime - timedelta(seconds=1)
    assert is_within(unit["told_at"], alert["raised_at"])
    assert (unit["outcome"], unit["report"], alert["holder_host"]) == ("refused", "failed", "dest")
    (refused,) = (event for event in said.events if event["kind"] == "refused")
    assert is_within(alert["raised_at"], refused["occurred_at"])


def test_unknown_recipient(played: Play) -> None:
    """Refused by the last switch at the door, given up by the one before it, told at once."""
    said, letter = played.said["unknown"], played.letters["unknown"]
    assert said.findings == {("refused", "nobody@dest.test", "stands")}
    alert = said.alert("refused")
    assert alert["holder_host"] == "relay"
    assert alert["raised_at"] >= letter.before
    assert is_within(said.unit["told_at"], alert["raised_at"])
    assert (said.unit["outcome"], said.unit["refused_status"]) == ("refused", "5.1.1")


def test_alias_to_three(played: Play) -> None:
    """The report says expanded, the store proves all three members, and each read is known."""
    said = played.said["team"]
    assert_delivered_in_time(said, *TEAM)
    assert (said.unit["members"], said.unit["members_proven"]) == (3, 3)
    assert {copy["user"] for copy in said.copies} == set(TEAM)
    for copy in said.copies:
        assert is_within(copy["read_at"], played.acts[f"team by {copy['user']}"])


def test_alias_of_which_one_is_refused(played: Play) -> None:
    """Two members have it and have read it, one is refused: the message as a whole is not proven."""
    said = played.said["crew"]
    assert said.findings == {("refused", "crew@dest.test", "stands")}
    assert (said.unit["members"], said.unit["members_proven"], said.unit["proof_at"]) == (3, 2, None)
    assert {copy["user"] for copy in said.copies} == set(CREW[:2])
    for copy in said.copies:
        assert is_within(copy["read_at"], played.acts[f"crew by {copy['user']}"])


def test_one_of_two_recipients_unknown(played: Play) -> None:
    """One message, two recipients, two fates."""
    said = played.said["half"]
    assert said.findings == {("refused", "nobody@dest.test", "stands")}
    outcomes = {unit["recipient"]: (unit["outcome"], unit["report"]) for unit in said.units}
    assert outcomes == {"half@dest.test": ("delivered", "delivered"), "nobody@dest.test": ("refused", "failed")}


def test_held_and_released(played: Play) -> None:
    """A hold and its release are events of the operator; the message goes on."""
    said = played.said["held"]
    assert_delivered_in_time(said)
    (held,) = (event for event in said.events if event["kind"] == "held")
    (released,) = (event for event in said.events if event["kind"] == "released")
    assert is_within(held["occurred_at"], played.acts["held"])
    assert is_within(released["occurred_at"], played.acts["released"])
    assert {held["queue_id"], released["queue_id"]} == {played.held["held"]}


def test_queued_again(played: Play) -> None:
    """`postsuper -r` gives a message another queue id, and its chain goes on."""
    said = played.said["requeued"]
    assert_delivered_in_time(said)
    ids = {event["queue_id"] for event in said.events if event["host"] == "relay"}
    assert len(ids) == 2
    assert played.held["requeued"] in ids


def test_made_to_expire(played: Play) -> None:
    """`postsuper -f`: refused by the operator's hand, and the originator is told."""
    said = played.said["expired"]
    assert said.findings == {("refused", "expired@dest.test", "stands")}
    alert = said.alert("refused")
    assert (alert["holder_host"], alert["holder_queue_id"]) == ("relay", played.held["expired"])
    (refused,) = (event for event in said.events if event["kind"] == "refused")
    assert is_within(alert["raised_at"], refused["occurred_at"])
    assert alert["raised_at"] >= played.acts["expired"] - timedelta(seconds=1)
    assert is_within(said.unit["told_at"], alert["raised_at"])


def test_receipt(played: Play) -> None:
    """A reader's receipt proves a read that no store saw."""
    said = played.said["receipted"]
    assert_delivered_in_time(said)
    (copy,) = said.copies
    assert is_within(copy["read_at"], played.acts["receipted"])
    (read,) = (event for event in said.events if event["kind"] == "read")
    assert (read["source"], read["action"]) == ("reports", "displayed")


def test_a_folder_that_is_renamed(played: Play) -> None:
    """What lies below it is read by its new name; the store says one line of the rename, and none of the message."""
    said = played.said["renamed"]
    assert_delivered_in_time(said)
    moves = [one for one in said.events if one["kind"] == "transferred" and one["side"] == "moved"]
    assert [one["next_queue_id"].rpartition("/")[0] for one in moves] == ["Projects/Old", "Done/Old"]
    assert is_within(moves[1]["occurred_at"], played.acts["renamed"])
    for copy in said.copies:
        assert is_within(copy["read_at"], played.acts["renamed by renamed@dest.test"])


def test_a_folder_that_is_deleted(played: Play) -> None:
    """What lay in it unread was not read: the store expunges it first."""
    said = played.said["binned"]
    assert said.findings == {("not-read", "binned@dest.test", "stands")}
    assert is_within(said.alert("not-read")["raised_at"], played.acts["binned"])


def test_what_a_filter_files_and_keeps(played: Play) -> None:
    """Two copies of one delivery are no duplicate."""
    said = played.said["filed"]
    assert_delivered_in_time(said)
    assert {(copy["mailbox"], copy["number"]) for copy in said.copies} == {("INBOX", 1), ("Work", 1)}


def test_expunged_unread(played: Play) -> None:
    """What left the store unread is found when it left."""
    said = played.said["expunged"]
    assert said.findings == {("not-read", "expunged@dest.test", "stands")}
    assert is_within(said.alert("not-read")["raised_at"], played.acts["expunged"])


def test_greylisting(played: Play) -> None:
    """An attempt that is told to come again is no finding."""
    said = played.said["greylisted"]
    assert_delivered_in_time(said)
    (again,) = (event for event in said.events if event["kind"] == "deferred")
    assert (again["host"], again["status"]) == ("relay", "4.7.1")
    assert "greylisted" in again["diagnostic"]
    assert is_within(said.unit["read_at"], played.acts["greylisted by greylisted@dest.test"])


def test_discarded_at_the_store(played: Play) -> None:
    """Switch and report say delivered, for the store had taken it; what became of it is what the store says."""
    said = played.said["discarding"]
    assert said.findings == set()
    assert said.copies == []
    assert (said.unit["outcome"], said.unit["report"]) == ("discarded", "delivered")
    (discarded,) = (event for event in said.events if event["host"] == "store")
    assert (discarded["kind"], said.unit["discarded_at"]) == ("discarded", discarded["occurred_at"])
    shown = CliRunner().invoke(custody, ["trace", key_of("discarding"), "--data", str(played.settings.data)])
    assert "yet discarded" in shown.output


def test_junk(played: Play) -> None:
    """What a filter put into Junk lies there unread."""
    said = played.said["junked"]
    assert said.findings == {("unread", "junked@dest.test", "stands")}
    assert [event["kind"] for event in said.events if event["host"] == "store"] == ["quarantined"]
    (copy,) = said.copies
    assert (copy["mailbox"], said.unit["outcome"]) == ("Junk", "quarantined")
    assert said.unit["discarded_at"] == copy["saved_at"]


def test_moved_and_read_where_it_lies_now(played: Play) -> None:
    """MOVE is a copy and an expunge, and no leaving unread; a read in the other mailbox is a read."""
    said = played.said["moving"]
    assert_delivered_in_time(said)
    assert {event["kind"] for event in said.events if event["host"] == "store"} == {"delivered", "transferred", "read"}
    (moved,) = (event for event in said.events if event["side"] == "moved")
    assert is_within(moved["occurred_at"], played.acts["moving"])
    assert moved["next_queue_id"] == "Archive/1"
    for copy in said.copies:
        assert is_within(copy["read_at"], played.acts["moving by moving@dest.test"])


def test_moved_and_never_opened(played: Play) -> None:
    """Where it lies now it is as unread as it was, and by the same time too late."""
    said, there = played.said["shelved"], played.said["unopened"]
    assert said.findings == {("unread", "shelved@dest.test", "stands")}
    first, moved = sorted(said.copies, key=lambda copy: bool(copy["saved_at"] is None))
    assert (first["moved"], first["read_at"], moved["queue_id"][:8]) == (True, None, "Archive/")
    terms = {one["unread_due"] - one["saved_at"] for one in (first, *there.copies)}
    assert said.alert("unread")["raised_at"] == first["unread_due"]
    assert len(terms) == 1


def test_pop3(played: Play) -> None:
    """Fetched and deleted over POP3: read."""
    said = played.said["popping"]
    assert_delivered_in_time(said)
    (copy,) = said.copies
    assert is_within(copy["read_at"], played.acts["popping"])


def test_content_filter(played: Play) -> None:
    """Queued twice on the relay under two ids, and still one chain."""
    said = played.said["filtered"]
    assert_delivered_in_time(said)
    ids = {event["queue_id"] for event in said.events if event["host"] == "relay"}
    assert len(ids) == 2
    assert is_within(said.unit["read_at"], played.acts["filtered by filtered@dest.test"])


@pytest.mark.parametrize("case", ["beyond", "silent"])
def test_handed_beyond_sight(played: Play, case: str) -> None:
    """A peer that never reports, whether it says that it does or not: handed over, and never overdue."""
    said = played.said[case]
    assert said.findings == set()
    assert (said.unit["outcome"], said.unit["class"]) == ("relayed", "beyond_sight")
    assert (said.unit["last_host"], said.unit["proof_at"]) == ("relay", None)
    reports = [event["action"] for event in said.events if event["kind"] == "reported" and event["recipient"]]
    assert reports == (["relayed"] if case == "beyond" else [])


def test_report_thrown_away(played: Play) -> None:
    """Overdue, since it was promised; and proven, since the store has it."""
    said = played.said["quiet"]
    assert said.findings == {("overdue", "quiet@quiet.test", "stands")}
    assert_overdue_when_due(played, "quiet", timedelta(seconds=10))
    alert = said.alert("overdue")
    assert (alert["proven"], alert["severity"]) == (True, "low")
    assert alert["cause"] == "delivered, but its report was not seen"
    assert (said.unit["proof"], said.unit["class"]) == ("store", "proven_in_time")


def test_read_before_the_log_of_its_delivery(played: Play) -> None:
    """The read is in the ledger before any line of the switch that delivered; in the end nothing is missing."""
    said = played.said["early"]
    assert_delivered_in_time(said)
    assert is_within(said.unit["read_at"], played.acts["early by early@dest.test"])
    (observed,) = ask(
        Warehouse.of(played.settings).client,
        """
        SELECT min(observed_at) AS first, minIf(observed_at, kind = 'read') AS read,
            minIf(observed_at, host = 'dest') AS delivery
        FROM events WHERE message_key = {key:String}
        """,
        {"key": key_of("early")},
    )
    assert observed["read"] < observed["delivery"]


def test_every_line_is_understood(played: Play) -> None:
    """No collector met a line or a mail that it could not read, through rotation, packing and a kill."""
    assert played.not_understood == {source: {} for source in KINDS}
    assert (played.network.dest.home / "mail.log.1.gz").exists()
    assert (played.network.store.home / "dovecot.log.1").exists()


def test_nothing_else_is_found(played: Play) -> None:
    """No alert is about anything but these messages: reports, probes and refusals at the door are quiet."""
    ours = {key_of(case) for case in played.said}
    assert {alert["message_key"] for alert in played.ledger.alerts()} <= ours


def test_alarms_are_told_while_the_log_goes_on(played: Play) -> None:
    """Once all workers run, what is due by the log's clock is told soon, and not only at the log's end."""
    warm = round((played.acts["up"] - EPOCH) / timedelta(microseconds=1))
    told = [one for one in played.ledger.alerts() if one["at"] > warm]
    assert {"unread", "overdue", "refused"} <= {one["rule"] for one in told}
    assert all(one["clock"] - one["at"] <= 10_000_000 for one in told)


def test_replay_and_sql_say_the_same(played: Play) -> None:
    """What was told live is what a replay of the log tells, and what the warehouse derives."""
    warehouse = Warehouse.of(played.settings)
    columns = "rule, unit, raised_at, cleared_at"
    one, other = (f"SELECT {columns} FROM {table}" for table in ("alerts", "alarms"))  # noqa: S608 - names of ours
    assert ask(warehouse.client, f"{one} EXCEPT DISTINCT {other}") == []
    assert ask(warehouse.client, f"{other} EXCEPT DISTINCT {one}") == []
    log, replay = KafkaLog(played.settings), Replay(terms=terms_of(KafkaLog(played.settings))[1])
    replay.run(log)
    assert compare(live(log), replay.alerts).identical

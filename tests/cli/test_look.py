"""A look at evidence: what it counts and finds, and that it says of nothing that is there that it cannot be seen."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.app import custody
from streams.core.errors import Misuse, Undecodable

AT = "2026-11-23T23:27:{:02}.000000+00:00 origin postfix/{}"

SENT = (
    "pickup[1]: 0A1B2C3D4E: uid=0 from=<alice@origin.test>",
    "cleanup[2]: 0A1B2C3D4E: message-id=<m1@origin.test>",
    "qmgr[3]: 0A1B2C3D4E: from=<alice@origin.test>, size=291, nrcpt=1 (queue active)",
    (
        "smtp[4]: 0A1B2C3D4E: to=<carol@dest.test>, relay=mx.dest.test[192.0.2.7]:25, delay=0.01, "
        "delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77)"
    ),
    "qmgr[3]: 0A1B2C3D4E: removed",
)
"""A message of ours that went to the next party."""

DELETED = (
    *SENT[:3],
    (
        "smtp[4]: 0A1B2C3D4E: to=<carol@dest.test>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred "
        "(connect to mx.dest.test[192.0.2.7]:25: Connection refused)"
    ),
    "postsuper[9]: 0A1B2C3D4E: removed",
)
"""The same, deleted by hand when it waited."""

NOTICE = "bounce[5]: 0A1B2C3D4E: sender non-delivery notification: 0A1B2C3D50"
"""Postfix says that it issued a report."""

TRANSIT = (
    "smtpd[1]: 0A1B2C3D4F: client=mx.other.test[192.0.2.9]",
    "cleanup[2]: 0A1B2C3D4F: message-id=<m2@other.test>",
    "qmgr[3]: 0A1B2C3D4F: from=<dora@other.test>, size=291, nrcpt=1 (queue active)",
    (
        "lmtp[4]: 0A1B2C3D4F: to=<carol@dest.test>, relay=127.0.0.14[127.0.0.14]:24, delay=0.01, delays=0/0/0/0, "
        "dsn=2.0.0, status=sent (250 2.0.0 <carol@dest.test> 4L2jDrPDBGvMYgAAg+zDdQ Saved)"
    ),
)
"""A message of somebody else's."""

SAVED = (
    "2026-11-23T23:27:25.100000+0000 lmtp(carol@dest.test)<1><4L2jDrPDBGvMYgAAg+zDdQ>: Info: save: box=INBOX, uid=1, "
    "msgid=<m1@origin.test>, size=291, vsize=300, from=alice@origin.test, subject=x, flags=()\n"
)
"""A store's log in which nobody opened anything."""

MIXED = (
    f"postfix/{TRANSIT[0]}",
    f"postfix/{TRANSIT[1]}",
    f"postfix/{TRANSIT[2]}",
    "dovecot: imap-login: Login: user=<carol@dest.test>, method=PLAIN, rip=192.0.2.5, mpid=8, session=<abc>",
    "opendkim[5]: 0A1B2C3D4F: no signature data",
    (
        "dovecot: lmtp(carol@dest.test)<1><4L2jDrPDBGvMYgAAg+zDdQ>: save: box=INBOX, uid=1, msgid=<m2@other.test>, "
        "size=291, vsize=300, from=dora@other.test, subject=postfix/smtp[4]: x, flags=()"
    ),
    f"postfix/{TRANSIT[3]}",
    "postfix/qmgr[3]: 0A1B2C3D4F: removed",
)
"""The journey of that message in the one log of a switch and a store, with a line of another program."""

STANDARD = {"occurred_at": "2026-11-23T23:27:30Z", "message_id": "<m1@origin.test>", "recipient": "carol@dest.test"}
REPORT = {"kind": "reported", "action": "delivered", **STANDARD}
RECEIPT = {"kind": "read", "action": "displayed", "traffic": "receipt", **STANDARD}
SAVE = {"kind": "delivered", "host": "store", "queue_id": "s1", "attributes": ["mailbox=INBOX"], **STANDARD}

OURS = "No submission of ours"
STORE = "No store's log: whether anything was read cannot be seen."
RECEIPTS = "No store's log: whether anything was read is known where a receipt says so, and nowhere else."
REPORTS = "No delivery reports: what the next party said later cannot be seen."
ASKED = "No positive report was asked for: none can be overdue under the default terms."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with some evidence of every kind, each in a file of its own."""
    log = {"sent": SENT, "deleted": DELETED, "notice": (*SENT, NOTICE), "transit": TRANSIT}
    for name, lines in log.items():
        text = "".join(AT.format(number, line) + "\n" for number, line in enumerate(lines))
        (tmp_path / f"{name}.log").write_text(text)
    (tmp_path / "store.log").write_text(SAVED)
    for name, event in {"report": REPORT, "receipt": RECEIPT, "save": SAVE}.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(event) + "\n")
    return tmp_path


def look(folder: Path, *words: str) -> Result:
    """The command on some files of the folder, with options."""
    named = [str(folder / word) if "." in word else word for word in words]
    return CliRunner().invoke(custody, ["look", *named])


def unseen(folder: Path, *names: str) -> list[str]:
    """What it says that cannot be seen, as a person and as a machine are told."""
    text = look(folder, *names).output
    said: list[str] = json.loads(look(folder, *names, "--json").output)["unseen"]
    assert said == [" ".join(one.split()) for one in text.split("\nCannot be seen: ")[1:]]
    return said


def test_what_was_read_is_counted(folder: Path) -> None:
    """Pieces and events of each file, whose messages they were, and up to when."""
    lines = look(folder, "sent.log", "store.log").output.splitlines()
    assert lines[0].split() == ["sent.log", "5", "pieces", "4", "events"]
    assert lines[1].split() == ["store.log", "1", "pieces", "1", "events"]
    assert "Evidence up to 2026-11-23 23:27:25Z" in lines
    assert "Arrivals  ours 1" in lines
    assert "Nothing is found under these terms." in lines


MAIL = "From: hostmaster@dest.test\nSubject: no date\n\nThe postfix of dest.test\n"
"""A mail that tells no time, and names a switch."""


def sources(*words: str) -> list[str]:
    """The sources that are made of files and folders."""
    return list(json.loads(CliRunner().invoke(custody, ["look", "--json", *words]).output)["sources"])


def test_a_folder_of_logs_is_read_as_its_files_are(folder: Path) -> None:
    """Each log is a source, and its hosts are known; mails among them are one."""
    logs = folder / "logs"
    (logs / "old").mkdir(parents=True)
    for name in ("sent.log", "store.log", "report.jsonl", "old/sent.log"):
        (logs / name).write_bytes((folder / Path(name).name).read_bytes())
    names = ["sent.log", "report.jsonl", "sent.log-2", "store.log"]
    assert sorted(sources(str(logs))) == sorted(names)
    lines = look(folder, str(logs)).output.splitlines()
    assert "Arrivals  ours 2" in lines
    assert len({line.index(" pieces") for line in lines if " pieces" in line}) == 1
    (logs / "1.eml").write_text(MAIL)
    (logs / "2.eml").write_text(MAIL)
    assert sorted(sources(str(logs))) == sorted([*names, "logs"])
    assert look(folder, str(logs)).output.count("mail that is no report 2") == 1


@pytest.mark.parametrize(
    "named", [[""], ["mail.log", "mail.log.1", "mail.log.2.gz"], ["mail.log.2.gz", "", "mail.log"]]
)
def test_the_generations_of_a_log_are_one_source(named: list[str], folder: Path) -> None:
    """A message that stands in two of them is one: it was deleted once, and nothing else is found."""
    logs = folder / "logs"
    logs.mkdir()
    lines = [AT.format(number, line) + "\n" for number, line in enumerate(DELETED)]
    (logs / "mail.log.2.gz").write_bytes(gzip.compress("".join(lines[:2]).encode()))
    (logs / "mail.log.1").write_text("".join(lines[2:4]))
    (logs / "mail.log").write_text("".join(lines[4:]))
    said = json.loads(look(folder, "--json", *(str(logs / name) for name in named)).output)
    assert {name: counts["pieces"] for name, counts in said["sources"].items()} == {"mail.log": 5}
    assert [(one["rule"], one["recipient"]) for one in said["found"]] == [("deleted", "carol@dest.test")]
    assert said["traffic"] == {"ours": 1}


def test_logs_of_two_switches_are_no_generations(folder: Path) -> None:
    """Nor are logs of one name in two folders, or of two kinds."""
    names = ("mx-1.log", "mx-2.log", "old/mx-2.log")
    (folder / "logs" / "old").mkdir(parents=True)
    for name in names:
        (folder / "logs" / name).write_bytes((folder / "sent.log").read_bytes())
    (folder / "logs" / "mx-2.log.1").write_bytes((folder / "report.jsonl").read_bytes())
    assert sorted(sources(str(folder / "logs"))) == ["mx-1.log", "mx-2.log", "mx-2.log-2", "mx-2.log.1"]


def test_a_log_of_both_one_generation_of_which_has_one_alone(folder: Path) -> None:
    """All of it is read as both."""
    (folder / "mail.log.1").write_text("".join(f"Nov 23 23:27:25 mx {line}\n" for line in MIXED[:3]))
    (folder / "mail.log").write_text("".join(f"Nov 23 23:27:26 mx {line}\n" for line in MIXED[3:]))
    said = json.loads(look(folder, "mail.log", "mail.log.1", "--json").output)
    assert {name: counts["pieces"] for name, counts in said["sources"].items()} == {
        "mail.log-postfix": 6,
        "mail.log-dovecot": 2,
    }


@pytest.mark.parametrize("inner", ["", "cur"], ids=["folder", "Maildir"])
def test_a_folder_of_mails_is_one_source(inner: str, folder: Path) -> None:
    """Whatever a mail quotes, it is no log; nor is anything in a Maildir."""
    mails = folder / "mails" / inner
    mails.mkdir(parents=True)
    (mails / "1").write_text(MAIL)
    (mails / "2").write_text(f"{MAIL}{SAVED}" if not inner else SAVED)
    assert sources(str(folder / "mails")) == ["mails"]


def test_only_names_that_are_there_twice_are_numbered(folder: Path) -> None:
    """And names have one column, however long they are."""
    (folder / "other").mkdir()
    for name in ("sent.log", "a-long-name-of-a-relay.log"):
        (folder / "other" / name).write_bytes((folder / "sent.log").read_bytes())
    files = ("sent.log", "other/sent.log", "store.log", "other/a-long-name-of-a-relay.log")
    assert sources(*(str(folder / file) for file in files)) == [
        "sent.log",
        "sent.log-2",
        "store.log",
        "a-long-name-of-a-relay.log",
    ]
    lines = look(folder, *files).output.splitlines()
    assert len({line.index(" pieces") for line in lines if " pieces" in line}) == 1


@pytest.mark.parametrize("text", ["", MAIL, "no line of any log\n"], ids=["empty", "mail", "words"])
def test_what_cannot_be_read_is_no_calm(text: str, folder: Path) -> None:
    """No event came of it: that nothing is found means nothing, and no time was seen, neither 1970 nor today."""
    (folder / "blank.txt").write_text(text)
    told = look(folder, "blank.txt", "--check")
    assert told.exit_code == 1
    assert "Nothing could be read" in told.output
    assert "Nothing is found" not in told.output
    assert "Evidence up to -" in told.output.splitlines()
    assert json.loads(look(folder, "blank.txt", "--json").output)["through"] is None


def test_an_empty_file_is_called_one(folder: Path) -> None:
    """It may have become a log: nobody knows that it would be a mail."""
    (folder / "mail.log").touch()
    assert "NOT UNDERSTOOD 1: an empty file or mail\n" in look(folder, "mail.log").output


def test_a_folder_without_a_file_is_no_calm(folder: Path) -> None:
    """There is nothing to read in it."""
    (folder / "none").mkdir()
    assert look(folder, str(folder / "none"), "--check").exit_code == 1


def test_a_declaration_without_a_source_is_refused(folder: Path) -> None:
    """As by an import; the file that shows every key is one that is there."""
    (folder / "sources.toml").write_text("")
    refused = look(folder, "--sources", "sources.toml").exception
    assert isinstance(refused, Misuse)
    assert str(refused) == f"{folder / 'sources.toml'} declares no source."
    assert Path(refused.hint.removeprefix("every key: ")).is_file()


def test_times_without_a_year(folder: Path) -> None:
    """The traditional form names hosts and submission points as well as any."""
    text = "".join(f"Nov 23 23:27:{number:02} origin postfix/{line}\n" for number, line in enumerate(SENT))
    (folder / "traditional.log").write_text(text)
    assert "Arrivals  ours 1" in look(folder, "traditional.log").output.splitlines()


@pytest.mark.parametrize("logins", [0, 30])
def test_one_log_of_a_switch_and_a_store(logins: int, folder: Path) -> None:
    """Both are read, whoever wrote more of it; a line is the source's that its program says, and counted once."""
    lines = (*MIXED, *[MIXED[3]] * logins)
    (folder / "mail.log").write_text("".join(f"Nov 23 23:27:25 mx {line}\n" for line in lines))
    said = json.loads(look(folder, "mail.log", "--json").output)
    switch, store = said["sources"]["mail.log-postfix"], said["sources"]["mail.log-dovecot"]
    assert (switch["pieces"], switch["ignored"]) == (6, {"opendkim": 1})
    assert (store["pieces"], store["ignored"]) == (2 + logins, {"imap-login": 1 + logins})
    assert not switch["unread"]
    assert not store["unread"]
    assert said["traffic"] == {"transit": 1}
    assert said["kinds"] == {"transferred": 2, "delivered": 2, "removed": 1}
    assert said["found"] == []
    assert said["unseen"][1:] == [REPORTS]
    assert "mail.log-dovecot" in look(folder, "mail.log").output


def test_a_store_s_own_log_that_names_the_switch(folder: Path) -> None:
    """A subject may say anything: one program wrote the log, and it is one source, named by its file."""
    (folder / "own.log").write_text(SAVED.replace("subject=x", "subject=postfix/smtp") + SAVED * 2)
    assert list(json.loads(look(folder, "own.log", "--json").output)["sources"]) == ["own.log"]
    assert STORE not in unseen(folder, "own.log")


def test_the_state_of_each_report_is_counted(folder: Path) -> None:
    """One that was asked for is expected until its due time, and received when it came; most are not asked for."""
    asked = {"kind": "submitted", "host": "origin", "queue_id": "A1", "traffic": "ours", "report_requested": True}
    (folder / "asked.jsonl").write_text(json.dumps({**STANDARD, **asked}) + "\n")
    assert "Reports   not-asked 1" in look(folder, "sent.log").output.splitlines()
    assert states(folder, "asked.jsonl") == {"expected": 1}
    assert states(folder, "asked.jsonl", "report.jsonl") == {"received": 1}


def test_a_report_of_another_system_counts_or_is_refused(folder: Path) -> None:
    """One that is written otherwise clears as much; one that says nothing is counted as not understood."""
    asked = {"kind": "submitted", "host": "origin", "queue_id": "A1", "traffic": "ours", "report_requested": True}
    for name, fields in {
        "other": {"action": "Delivered", "recipient": "<carol@dest.test>"},
        "none": {"action": ""},
    }.items():
        lines = [{**STANDARD, **asked}, {**REPORT, **fields}]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert states(folder, "other.jsonl") == {"received": 1}
    assert states(folder, "none.jsonl") == {"expected": 1}
    assert "action: reported needs one of delivered" in " ".join(look(folder, "none.jsonl").output.split())


def states(folder: Path, *names: str) -> dict[str, int]:
    """How many reports are in each state, as a machine is told."""
    counted: dict[str, int] = json.loads(look(folder, *names, "--json").output)["report_states"]
    return counted


def test_what_is_found_is_told_with_its_cause(folder: Path) -> None:
    """How many stand, why, and each with its time, recipient and message; --check then ends with 1."""
    result = look(folder, "deleted.log", "--check")
    lines = result.output.splitlines()
    place = lines.index("deleted  1 standing, 0 cleared")
    assert lines[place + 1].split(maxsplit=1) == ["1", "deleted by hand on origin"]
    assert lines[place + 2].split() == ["11-23", "23:27:04Z", "carol@dest.test", "m1@origin.test"]
    assert result.exit_code == 1
    assert look(folder, "deleted.log").exit_code == 0


def test_mail_deleted_before_its_first_attempt_is_found(folder: Path) -> None:
    """Nobody was named yet, but it was ours."""
    lines = (
        "smtpd[300]: 4jcfhJ0sf8z0vRh: client=unknown[198.51.100.7], sasl_method=PLAIN, sasl_username=alice",
        "cleanup[301]: 4jcfhJ0sf8z0vRh: message-id=<m1@ours.test>",
        "qmgr[100]: 4jcfhJ0sf8z0vRh: from=<alice@ours.test>, size=990, nrcpt=2 (queue active)",
        "postsuper[400]: 4jcfhJ0sf8z0vRh: removed",
    )
    text = "".join(f"2026-11-29T08:00:0{n}.100000+00:00 mx postfix/{line}\n" for n, line in enumerate(lines))
    (folder / "untried.log").write_text(text)
    assert OURS not in "".join(unseen(folder, "untried.log"))
    result = look(folder, "untried.log", "--check")
    assert "deleted  1 standing, 0 cleared" in result.output.splitlines()
    assert result.exit_code == 1


def test_where_nothing_stands_a_check_ends_well(folder: Path) -> None:
    """--check is of what stands, not of what cannot be seen."""
    assert unseen(folder, "sent.log")
    assert look(folder, "sent.log", "--check").exit_code == 0


def test_a_check_of_what_cannot_be_read_is_no_calm(folder: Path) -> None:
    """It is damaged, so nothing found means nothing."""
    (folder / "cut.log.gz").write_bytes(gzip.compress((folder / "sent.log").read_bytes() * 999)[:-200])
    ended = look(folder, "cut.log.gz", "--check")
    assert isinstance(ended.exception, Undecodable)
    assert "is incomplete" in str(ended.exception)
    assert look(folder, "cut.log.gz").exit_code == 0


def test_json_lines_that_are_refused_are_missing(folder: Path) -> None:
    """Each is an event of some system; whoever imports them must know."""
    whole = (folder / "report.jsonl").read_text()
    (folder / "bad.jsonl").write_text(whole + '{"kind": "read"}\nno json\n')
    ended = look(folder, "bad.jsonl", "--check")
    assert isinstance(ended.exception, Undecodable)
    assert "is incomplete: 2 lines refused, not a MessageEvent in JSON." in str(ended.exception)
    assert look(folder, "report.jsonl", "--check").exit_code == 0


def test_a_machine_is_told_the_same(folder: Path) -> None:
    """--json has the counts, the findings and what cannot be seen."""
    result = look(folder, "deleted.log", "--json", "--check")
    said = json.loads(result.output)
    assert (said["sources"]["deleted.log"]["pieces"], said["traffic"]) == (5, {"ours": 1})
    assert said["kinds"]["deferred"] == 1
    (found,) = said["found"]
    assert (found["rule"], found["recipient"], found["cleared_at"]) == ("deleted", "carol@dest.test", None)
    assert result.exit_code == 1


def test_all_that_a_log_of_one_switch_cannot_show(folder: Path) -> None:
    """Neither what was read, nor what the next party said later, nor a report that nobody asked for."""
    assert unseen(folder, "sent.log") == [STORE, REPORTS, ASKED]


def test_what_postfix_says_that_it_issued_is_no_report(folder: Path) -> None:
    """One notification in a log says nothing of what the next party said later."""
    assert REPORTS in unseen(folder, "notice.log")
    assert json.loads(look(folder, "notice.log", "--json").output)["kinds"]["reported"] == 1


def test_where_there_are_reports_nothing_is_said_of_them(folder: Path) -> None:
    """One that came is evidence."""
    assert unseen(folder, "sent.log", "report.jsonl") == [STORE, ASKED]


@pytest.mark.parametrize("name", ["store.log", "save.jsonl"])
def test_a_store_is_there_though_nothing_was_opened(name: str, folder: Path) -> None:
    """Its saves are evidence that it would have said so."""
    assert unseen(folder, "sent.log", name) == [REPORTS, ASKED]


def test_receipts_alone_show_only_what_they_say(folder: Path) -> None:
    """Something was read, and yet no store's log is there."""
    assert unseen(folder, "sent.log", "receipt.jsonl") == [RECEIPTS, REPORTS, ASKED]


def test_without_a_message_of_ours_nothing_can_be_owed(folder: Path) -> None:
    """It is said; and then not that no report was asked for."""
    first, *others = unseen(folder, "transit.log")
    assert first.startswith(OURS)
    assert others == [STORE, REPORTS]

"""`custody collect` and `custody import` as commands: options, mistakes, signals, what they say at the end."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from streams.cli import _evidence, collect
from streams.cli._signals import stop_at_signal
from streams.cli.app import custody
from streams.collect import declaring, ending, importing, run
from streams.collect.kinds import KINDS
from streams.collect.parser import Counts, Unread
from streams.core.clock import Tick
from streams.core.errors import CustodyError, Misuse, Undecodable
from streams.kafka import broker, progress, topics
from streams.settings import Settings
from streams.track.timekeeper import Timekeeper
from tests.kafka.memory import MemoryLog, put

DAY = Path(__file__).parent.parent / "data" / "day" / "sources.toml"


@pytest.mark.parametrize("name", ["collect", "import"])
def test_help_says_what_with_an_example(name: str) -> None:
    """Each command's help fits a terminal, says what it does and shows an example."""
    told = CliRunner().invoke(custody, [name, "--help"])
    assert told.exit_code == 0
    assert f"custody {name} " in told.output.partition("Example")[2]
    assert "\\b" not in told.output
    assert max(len(line) for line in told.output.splitlines()) <= 80


def test_help_names_every_kind() -> None:
    """No kind of evidence is left out."""
    told = CliRunner().invoke(custody, ["collect", "--help"]).output
    assert all(kind in told for kind in KINDS)


def _refused(*arguments: str) -> str:
    told = CliRunner().invoke(custody, arguments)
    assert isinstance(told.exception, CustodyError)
    return str(told.exception)


def test_mistakes_are_said_before_anything_is_read(tmp_path: Path) -> None:
    """A kind, a source or an order that is none is refused without asking a broker."""
    data = ("--data", str(tmp_path))
    assert "there is no kind 'exim'" in _refused("collect", "exim", "x", *data)
    assert "say which with --source" in _refused("collect", "postfix", "--sources", str(DAY), *data)
    assert "cannot be read" in _refused("import", str(tmp_path / "none.toml"), *data)
    assert "No Kafka broker is set" in _refused("collect", "postfix", str(DAY), "--host", "mx", *data)
    assert "No Kafka broker is set" in _refused("import", str(DAY), *data)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A misspelt path would be a host whose mail is all lost: every one is named, before a broker is asked."""
    declared = tmp_path / "sources.toml"
    sources = [
        f'[[sources]]\nname = "{name}"\nkind = "postfix"\npaths = ["{name}.log", "there.log"]\n' for name in "ab"
    ]
    declared.write_text("".join(sources), encoding="utf-8")
    (tmp_path / "there.log").touch()
    said = _refused("import", str(declared), "--data", str(tmp_path))
    assert said == f"There is no {tmp_path}/a.log (source a), no {tmp_path}/b.log (source b)."
    said = _refused("collect", "postfix", str(tmp_path / "a.log"), "--source", "a", "--data", str(tmp_path))
    assert said == f"There is no {tmp_path}/a.log (source a)."


def test_an_order_names_every_source(tmp_path: Path) -> None:
    """An order that leaves a source out, or names one twice, is refused before the ledger is told of any."""
    for order in ("relay-log", "origin-log,relay-log,dest-log,store-log,reports,reports"):
        said = _refused("import", str(DAY), "--order", order, "--data", str(tmp_path))
        assert "--order must name every source once: origin-log," in said


def test_a_mistake_is_one_sentence_and_an_exit_code() -> None:
    """A person sees what to change, never a traceback."""
    command = (sys.executable, "-m", "streams.cli", "collect", "exim", "x")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    assert ended.returncode == Misuse.exit_code
    assert ended.stderr.startswith("custody: ")
    assert "kinds: postfix, dovecot, reports, jsonl" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_in_order_and_the_second_at_once(number: signal.Signals) -> None:
    """The first is heard; after it the signal has its own effect again."""
    stop = stop_at_signal()
    os.kill(os.getpid(), number)
    assert stop.wait(10)
    assert signal.getsignal(number) is signal.SIG_DFL


COUNTS = Counts(
    pieces=12_345,
    events=678,
    ignored=Counter({"postfix/anvil": 9}),
    unread=Counter({"no time that can be read": 2}),
    examples=[Unread(file="mail\x1b[2J.log", offset=77, reason="no time that can be read")],
    incomplete=[Unread(file="old.gz", offset=9, reason="cannot be read: no gzip")],
    notes=("nothing new",),
)


def test_what_is_said_at_the_end() -> None:
    """Pieces, events, what carries nothing by program, what was not understood by reason, with its place."""
    told = "\n".join(_evidence.said("relay-log", COUNTS))
    for part in (
        "12,345 pieces",
        "678 events",
        "postfix/anvil 9",
        "NOT UNDERSTOOD 2: no time",
        ".log:77: no time",
        "\n  nothing new\n",
    ):
        assert part in told
    assert "\x1b" not in told


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(("claimed", "through"), [(5_000_000, 5_000_000), (0, None)], ids=["known", "unknown"])
def test_who_followed_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, claimed: int, through: int | None
) -> None:
    """How far the source is in the log; null where nobody knows, which is not 1970."""
    made = SimpleNamespace(claimed=claimed, follow=lambda _stop: None)
    monkeypatch.setattr(collect._Job, "_collector", lambda _job, _bar: made)
    words = ("collect", "postfix", str(tmp_path / "log"), "--host", "mx", "--follow", "--json", "--data", str(tmp_path))
    told = CliRunner().invoke(custody, words)
    assert (told.exit_code, json.loads(told.stdout)["through"]) == (0, through)


def test_the_same_as_data() -> None:
    """JSON has everything that people are shown."""
    assert _evidence.as_data(COUNTS) == {
        "pieces": 12_345,
        "events": 678,
        "ignored": {"postfix/anvil": 9},
        "unread": {"no time that can be read": 2},
        "examples": [{"file": "mail\x1b[2J.log", "offset": 77, "reason": "no time that can be read"}],
        "incomplete": [{"file": "old.gz", "offset": 9, "reason": "cannot be read: no gzip"}],
        "notes": ["nothing new"],
    }


HOST = '[[hosts]]\nname = "mx"\n'
POINT = '[[submission_points]]\nhost = "mx"\n'
SOURCE = '[[sources]]\nname = "mx"\nkind = "postfix"\npaths = ["mail.log"]\n'
LINES = [
    "pickup[1]: 0A1B2C3D4E: uid=0 from=<alice@origin.test>",
    "cleanup[2]: 0A1B2C3D4E: message-id=<m1@origin.test>",
    "qmgr[3]: 0A1B2C3D4E: from=<alice@origin.test>, size=291, nrcpt=1 (queue active)",
]


@pytest.fixture
def importing_to_memory(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """Imports and one-shot collectors go to a log in memory."""
    log = MemoryLog(Settings())
    for module in (importing, declaring, broker):
        monkeypatch.setattr(module, "KafkaLog", lambda _: log)
    monkeypatch.setattr(declaring, "write_all", lambda _, topic, records: put(log, topic, records))
    monkeypatch.setattr(topics, "create", lambda _: None)
    return log


@pytest.mark.usefixtures("signals", "importing_to_memory")
def test_a_declaration_that_was_corrected_is_not_silent(tmp_path: Path) -> None:
    """That no message counts as ours is said at once; and, when a point is declared, that the log was read before."""
    said = "".join(f"2026-11-23T23:27:0{at}+00:00 mx postfix/{line}\n" for at, line in enumerate(LINES))
    (tmp_path / "mail.log").write_text(said)

    def told(text: str, *words: str) -> Result:
        (tmp_path / "sources.toml").write_text(text)
        data = ("--data", str(tmp_path / "data"))
        return CliRunner().invoke(custody, ["import", str(tmp_path / "sources.toml"), *data, *words])

    first = told(HOST + SOURCE)
    assert first.stderr.startswith("No submission point is declared, so no message counts as ours: see [[submission")
    corrected = told(HOST + POINT + SOURCE)
    assert (corrected.exit_code, corrected.stderr) == (0, "")
    for note in (run.NOTHING_NEW, run.OTHERWISE):
        assert note in " ".join(corrected.stdout.split())
    assert json.loads(told(HOST + POINT + SOURCE, "--json").stdout)["sources"]["mx"]["notes"]


@pytest.mark.usefixtures("signals", "importing_to_memory")
def test_an_import_of_nothing_has_no_end(tmp_path: Path) -> None:
    """It is null, which is not 1970."""
    (tmp_path / "mail.log").touch()
    (tmp_path / "sources.toml").write_text(HOST + POINT + SOURCE)
    words = ("import", str(tmp_path / "sources.toml"), "--json", "--data", str(tmp_path / "data"))
    told = CliRunner().invoke(custody, words)
    assert json.loads(told.stdout)["through"] is None
    assert told.stderr.startswith("The ledger's clock waits for the end of mx. If nobody reads that any more:\n")


@pytest.mark.usefixtures("signals")
def test_what_the_clock_waits_for_is_said_at_the_end(importing_to_memory: MemoryLog, tmp_path: Path) -> None:
    """An import of something else was killed: until it is withdrawn nothing is judged."""
    put(importing_to_memory, "progress", [progress.declared("old", live=False, terms="", text="")])
    (tmp_path / "mail.log").write_text("".join(f"2026-11-23T23:27:00+00:00 mx postfix/{line}\n" for line in LINES))
    (tmp_path / "sources.toml").write_text(HOST + POINT + SOURCE)
    data = ("--data", str(tmp_path / "data"))
    for words in (("import", str(tmp_path / "sources.toml")), ("collect", "postfix", str(tmp_path / "mail.log"))):
        told = CliRunner().invoke(custody, [*words, *data])
        assert told.exit_code == 0
        said, _, typed = told.stderr.partition("If nobody reads that any more:\n")
        assert said.endswith("The ledger's clock waits for the end of old. ")
        assert typed.replace("\\\n", "").split() == ["custody", "withdraw", *data, "old"]


@pytest.mark.usefixtures("signals")
def test_what_is_collected_after_the_clock_is_judged(importing_to_memory: MemoryLog, tmp_path: Path) -> None:
    """By the same rule as of an import: the clock goes on by as little as can be, and nobody else holds it."""
    log, keeper = tmp_path / "mail.log", Timekeeper()
    (tmp_path / "sources.toml").write_text(HOST + POINT + SOURCE + SOURCE.replace('name = "mx"', 'name = "my"'))
    where = ("--sources", str(tmp_path / "sources.toml"), "--data", str(tmp_path / "data"))

    def collected(name: str) -> int:
        told = CliRunner().invoke(custody, ["collect", "postfix", "--source", name, "--json", *where])
        return int(json.loads(told.stdout)["through"])

    log.write_text("".join(f"2026-11-23T23:27:00+00:00 mx postfix/{line}\n" for line in LINES))
    first = collected("mx")
    assert collected("my") == first + 1
    with log.open("a") as file:
        file.write("2026-11-23T23:26:00+00:00 mx postfix/qmgr[3]: 0A1B2C3D4E: removed\n")
    for name, more in (("mx", 2), ("my", 3)):
        assert collected(name) == first + more
        keeper.recall(progress.all_progress(importing_to_memory), first)
        assert list(keeper.sources) == [name]
        assert keeper.tick(first) == Tick(through=first + more, terms=keeper.terms)


def _until(until: str, folder: Path) -> list[str]:
    """A log of a minute, declared with an end."""
    (folder / "mail.log").write_text("".join(f"2026-11-23T23:27:00+00:00 mx postfix/{line}\n" for line in LINES))
    (folder / "sources.toml").write_text(f"until = {until}\n" + HOST + POINT + SOURCE)
    return ["--data", str(folder / "data")]


READS = {
    "import": ("import", "sources.toml"),
    "collect": ("collect", "postfix", "--sources", "sources.toml"),
    "look": ("look", "--check", "--sources", "sources.toml"),
}


@pytest.mark.parametrize("words", READS.values(), ids=READS)
@pytest.mark.usefixtures("signals")
def test_an_end_to_come_is_refused(words: tuple[str, ...], importing_to_memory: MemoryLog, tmp_path: Path) -> None:
    """The clock would go there, and all that is read later would be overdue at once."""
    data = _until("2062-11-23T23:27:00Z", tmp_path)
    words = tuple(str(tmp_path / word) if word == "sources.toml" else word for word in words)
    told = CliRunner().invoke(custody, [*words, *(data if "look" not in words else [])])
    assert isinstance(told.exception, Misuse)
    assert str(told.exception).startswith("The declared end, until = 2062-11-23T23:27:00Z, is yet to come: it is ")
    assert not [said for said in progress.all_progress(importing_to_memory) if said["kind"] == "progressed"]


@pytest.mark.parametrize("words", READS.values(), ids=READS)
@pytest.mark.usefixtures("signals", "importing_to_memory")
def test_evidence_after_the_declared_end_is_no_calm(words: tuple[str, ...], tmp_path: Path) -> None:
    """Nothing judges it, so that nothing is found; each time, until the end is corrected: then all is well."""
    data = _until("2026-10-23T23:27:00Z", tmp_path)
    words = tuple(str(tmp_path / word) if word == "sources.toml" else word for word in words)

    def told() -> Result:
        return CliRunner().invoke(custody, [*words, *(data if "look" not in words else [])])

    for _ in range(2):
        refused = told().exception
        assert isinstance(refused, Undecodable)
        assert str(refused).startswith("Source mx goes on up to 2026-11-23T23:27:00Z, after the declared end (until = ")
        assert refused.hint == ending.MEND
    _until("2026-11-23T23:27:00Z", tmp_path)
    assert told().exit_code == 0

"""Commands that a screen tells to type: pasted into a shell they do what they say, and nothing else."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from streams import advice
from streams.cli import _next, _typed, overdue, trace
from streams.cli.app import custody
from streams.kafka import broker, writer
from streams.settings import Settings
from streams.warehouse.named import bare
from tests.cli.test_lists import CLOCK, finding
from tests.kafka.memory import MemoryLog

HOSTILE = (
    "a$(touch${IFS}PWNED)@x.example",
    "a`touch PWNED`@x.example",
    "it's@x.example",
    'a";touch PWNED;"@x.example',
    "to=a@x.example:",
    "-dash@x.example",
    "a&b|c>d;e!f@x.example",
    "'" * 9 + "@x.example",
    "20261123115959.7C3F12A0B4@mail-gateway-east-01.department.organisation.tes",
)


def pasted(lines: list[str], folder: Path) -> list[str]:
    """The arguments that `custody` is run with where a person pastes a command into a shell."""
    told = "custody() { printf '%s\\0' \"$@\"; }\n" + "\n".join(lines).partition(":")[2]
    done = subprocess.run(["bash", "-c", told], cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603, S607 - the test's point
    assert list(folder.iterdir()) == []
    assert not done.stderr
    return done.stdout.split("\0")[:-1]


def taken(words: list[str]) -> dict[str, Any]:
    """What the command `trace` takes its arguments for."""
    assert words[0] == "trace"
    return trace.command.make_context("trace", words[1:]).params


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("settings", [Settings(), Settings(ledger="r2", data=Path("/tmp/it's $HOME"))])  # noqa: S108 - a name
def test_a_pasted_command_names_the_message_and_the_ledger(tmp_path: Path, name: str, settings: Settings) -> None:
    """Whatever a sender wrote is one word, and the same ledger answers."""
    for lines in (
        overdue.following(settings, [finding(message_key=name)])[1:],
        _typed.command("Raw lines:", settings, "trace", "--raw", named=[name]),
    ):
        assert [line for line in lines if cell_len(line) > 80] == []
        said = taken(pasted(lines, tmp_path))
        assert bare(said["named"]) == name
        assert (said["ledger"] or "main") == settings.ledger
        assert (said["data"] or advice.STACK) == settings.data


def test_an_ordinary_command_is_bare() -> None:
    """Neither quotes nor options where none are needed."""
    assert _typed.command("Next:", Settings(), "trace", named=["a.b@c"]) == ["Next: custody trace a.b@c"]


@pytest.mark.parametrize("name", ["日本語" * 40, "'" * 72, "a" * 500], ids=["wide", "quotes", "long"])
def test_an_id_that_fits_no_line_is_cut_to_its_beginning(tmp_path: Path, name: str) -> None:
    """Which is enough to find it."""
    lines = _typed.command("Next:", Settings(), "trace", named=[name])
    assert [line for line in lines if cell_len(line) > 80] == []
    _, said = pasted(lines, tmp_path)
    assert len(said) > 5
    assert name.startswith(said)


def test_an_id_that_cannot_be_typed_is_cut_before_what_cannot() -> None:
    """A control character has no key, and a blank in its place would be another id."""
    assert _typed.command("Next:", Settings(), "trace", named=["abcdefg\x1b[2J@x"]) == ["Next: custody trace abcdefg"]


def test_a_settings_file_goes_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may name the ledger, and where its brokers are."""
    file = tmp_path / "my settings.toml"
    file.write_text('ledger = "r2"\n')
    rows, totals = [finding()], {"standing": 1, "cleared": 0, "withdrawn": 0}
    warehouse = SimpleNamespace(
        clock=lambda: CLOCK, counts=lambda _: totals, alerts=lambda *_, **__: rows, owed=lambda: 1
    )
    monkeypatch.setattr(overdue, "opened", lambda *_: (Settings(ledger="r2"), warehouse))
    said = CliRunner().invoke(custody, ["overdue", "--settings", str(file)])
    words = " ".join(said.output[said.output.index("Next:") :].replace("\\\n", "").split())
    assert words == f"Next: custody trace --settings '{file}' --ledger r2 m@x"


def test_a_case_says_how_to_see_its_messages_and_that_somebody_has(tmp_path: Path) -> None:
    """Both as they are typed; what a discharge does not settle is not offered one."""
    empty, messages, *seen = _next.case(Settings(ledger="r2"), "3f2a9c01", "stuck: on hold on relay")
    assert empty == ""
    assert pasted([messages], tmp_path) == ["trace", "--ledger", "r2", "3f2a9c01"]
    said = ["cases", "--acknowledge", "3f2a9c01", "--by", "NAME", "--reason", "WHY", "--ledger", "r2"]
    assert pasted(seen, tmp_path) == said


def test_a_case_says_how_to_say_that_all_of_it_arrived(tmp_path: Path) -> None:
    """Behind how to say that it was seen."""
    shown = _next.case(Settings(), "3f2a9c01", "overdue: on hold on relay")
    assert shown[:3] == _next.case(Settings(), "3f2a9c01", "stuck: on hold on relay")
    said = ["cases", "--discharge", "3f2a9c01", "--by", "NAME", "--reason", "WHY"]
    assert pasted(shown[3:], tmp_path) == said


def test_who_is_silent_is_started_again_or_withdrawn(tmp_path: Path) -> None:
    """Where nobody is, nothing is said."""
    lines = _next.silent(Settings(), CLOCK | {"silent": ["mx log", "gw"]})
    assert " ".join(lines[1:3]).startswith(
        "SILENT: start their collectors again (custody collect --follow), or say that"
    )
    assert pasted([":", *lines[3:]], tmp_path) == ["withdraw", "gw", "mx log"]
    assert _next.silent(Settings(), CLOCK) == []
    assert _next.silent(Settings(), {}) == []


def test_other_terms_are_tried_on_the_same_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is said of the command is what it does: it plays the new terms."""
    log, file = MemoryLog(Settings()), tmp_path / "it's mine.toml"
    file.write_text(CliRunner().invoke(custody, ["terms", "show", "guaranteed"]).output)
    monkeypatch.setattr(broker, "KafkaLog", lambda _: log)
    monkeypatch.setattr(writer, "write_all", lambda *_: None)
    said = CliRunner().invoke(custody, ["terms", "use", str(file), "--ledger", "corr", "--data", str(tmp_path)])
    *_, before, words = said.output.replace("\\\n", "").splitlines()
    assert before.endswith("What the new terms say of all evidence so far:")
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = pasted([f":{words}"], empty)
    assert asked == ["replay", "--terms", str(file), "--ledger", "corr", "--data", str(tmp_path)]

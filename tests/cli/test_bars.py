"""Progress bars: how much of a source was read, where somebody looks."""

from pathlib import Path

import pytest
from rich.text import Text

from streams.cli._evidence import Bar, bars
from streams.collect.declaration import Source


def test_a_bar_says_how_much_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes of all files of the source, events, and its name without what would command a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    files = [tmp_path / name for name in ("a.log", "b.log")]
    for file in files:
        file.write_bytes(bytes(1000))
    source = Source(name="mx\x1b[2J", kind="postfix", paths=tuple(map(str, files)))
    with bars(quiet=False) as progress:
        assert progress is not None
        bar = Bar(progress, source, pieces=lambda: 30)
        bar(str(files[0]), 400, 7)
        bar(str(files[0]), 1000, 0)
        bar(str(files[1]), 500, 1234)
        (task,) = progress.tasks
        assert (task.completed, task.total, task.fields["events"]) == (1500, 2000, 1241)
        bar.finish()
    told = Text.from_ansi(capsys.readouterr().err).plain
    assert "2.0/2.0 kB" in told
    assert "1,241 events" in told
    assert "\x1b" not in task.description


@pytest.mark.parametrize("quiet", [True, False])
def test_where_nobody_looks_there_is_none(capsys: pytest.CaptureFixture[str], *, quiet: bool) -> None:
    """Standard error is a file, or the answer is wanted as data."""
    with bars(quiet=quiet) as progress:
        bar = Bar(progress, Source(name="mx", kind="postfix", paths=()))
        bar("mail.log", 400, 7)
        bar.finish()
    assert progress is None
    assert capsys.readouterr().err == ""

"""Help: every command says what it is for, with an example."""

import click
import pytest
from click.testing import CliRunner

from streams.cli.app import custody


def commands() -> list[tuple[str, ...]]:
    """Every command by its words; those of a group by two."""
    context = click.Context(custody)
    found: list[tuple[str, ...]] = []
    for name in custody.list_commands(context):
        command = custody.get_command(context, name)
        inner = command.list_commands(context) if isinstance(command, click.Group) else []
        found += [(name, one) for one in inner] or [(name,)]
    return found


def groups() -> list[tuple[str, ...]]:
    """The commands that are groups."""
    return sorted({words[:1] for words in commands() if len(words) > 1})


@pytest.mark.parametrize("words", [*commands(), (), *groups()], ids=lambda words: " ".join(words) or "custody")
def test_no_help_shows_a_mark_that_is_for_its_maker(words: tuple[str, ...]) -> None:
    """Neither that of a command, nor that of a group or of what stands in it."""
    assert "\\b" not in CliRunner().invoke(custody, [*words, "--help"]).output


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_an_example(words: tuple[str, ...]) -> None:
    """One that begins as a person types it."""
    said = CliRunner().invoke(custody, [*words, "--help"])
    assert said.exit_code == 0
    _, found, example = said.output.partition("Example")
    assert found
    assert f"custody {' '.join(words)}" in " ".join(example.split())

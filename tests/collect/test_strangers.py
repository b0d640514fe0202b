"""Hosts that evidence names and nobody declared are said, with what to do; those that are declared are not."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.app import custody
from streams.collect import importing, strangers
from streams.collect.declaration import Declaration, Host, Source
from streams.collect.evidence import Evidence
from streams.collect.strangers import Strangers
from streams.settings import Settings
from tests.kafka.memory import MemoryLog

ORIGIN = """\
2026-11-23T23:27:01+00:00 mail postfix/pickup[1]: 0A1B2C3D4E: uid=0 from=<alice@origin.test>
2026-11-23T23:27:01+00:00 mail postfix/cleanup[2]: 0A1B2C3D4E: message-id=<m1@origin.test>
2026-11-23T23:27:01+00:00 mail postfix/qmgr[3]: 0A1B2C3D4E: from=<alice@origin.test>, size=291, nrcpt=1 (queue active)
2026-11-23T23:27:02+00:00 mail postfix/smtp[4]: 0A1B2C3D4E: to=<carol@dest.test>, relay=relay.test[192.0.2.7]:25, \
delay=0.01, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 0A1B2C3D4F)
2026-11-23T23:27:02+00:00 mail postfix/qmgr[3]: 0A1B2C3D4E: removed
"""

RELAY = """\
2026-11-23T23:27:02+00:00 relay postfix/smtpd[1]: 0A1B2C3D4F: client=mail.test[192.0.2.6]
2026-11-23T23:27:02+00:00 relay postfix/cleanup[2]: 0A1B2C3D4F: message-id=<m1@origin.test>
2026-11-23T23:27:02+00:00 relay postfix/qmgr[3]: 0A1B2C3D4F: from=<alice@origin.test>, size=291, nrcpt=1 (queue active)
2026-11-23T23:27:03+00:00 relay postfix/smtp[4]: 0A1B2C3D4F: to=<carol@dest.test>, relay=mx.dest.test[192.0.2.8]:25, \
delay=0.01, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77)
"""

ALIAS = "192.0.2.7 took what stands in the log of relay (1 of its arrivals): declare it as an alias of relay"
LINES = "The log of mail-log has lines of mail, which is not declared: none of its messages counts as ours"


@pytest.fixture
def declared(tmp_path: Path) -> Declaration:
    """Two switches, all of whose names are declared."""
    (tmp_path / "mail.log").write_text(ORIGIN)
    (tmp_path / "relay.log").write_text(RELAY)
    return Declaration(
        sources=(
            Source(name="mail-log", kind="postfix", host="mx", paths=(str(tmp_path / "mail.log"),)),
            Source(name="relay-log", kind="postfix", host="relay", paths=(str(tmp_path / "relay.log"),)),
        ),
        hosts=(
            Host(name="mx", aliases=frozenset({"mail.test", "192.0.2.6"})),
            Host(name="relay", aliases=frozenset({"relay.test", "192.0.2.7"})),
        ),
    )


def _said(declaration: Declaration) -> list[str]:
    listener = Strangers(declaration)
    for event in Evidence(declaration).events():
        listener.hear([event])
    return [line.partition(", else")[0].partition(". Declare")[0] for line in listener.said()]


def test_who_is_declared_is_no_stranger(declared: Declaration) -> None:
    """Nor is the party beyond the last switch: nothing of it is read."""
    assert _said(declared) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_host_that_is_called_otherwise_than_declared(declared: Declaration, *, turned: bool) -> None:
    """It took what stands in its own log; in whichever order the two are read."""
    sources = declared.sources[::-1] if turned else declared.sources
    assert _said(replace(declared, sources=sources, hosts=(declared.hosts[0], Host(name="relay")))) == [ALIAS]


def test_a_number_alone_is_no_sign(declared: Declaration, tmp_path: Path) -> None:
    """Others have the same numbers for other messages."""
    (tmp_path / "relay.log").write_text(RELAY.replace("m1@", "m2@"))
    assert _said(replace(declared, hosts=(declared.hosts[0], Host(name="relay")))) == []


def test_a_log_whose_host_is_not_declared(declared: Declaration) -> None:
    """It is one only where the source does not say whose log it is, and no alias does."""
    nameless = replace(declared, sources=(replace(declared.sources[0], host=""), declared.sources[1]))
    assert _said(nameless) == [LINES]
    alias = Host(name="mx", aliases=frozenset({"mail"}))
    assert _said(replace(nameless, hosts=(alias, declared.hosts[1]))) == []


def test_a_log_that_names_no_host(declared: Declaration, tmp_path: Path) -> None:
    """Its lines name none, so the source must."""
    (tmp_path / "mail.log").write_text(ORIGIN.replace(" mail postfix", " INFO    postfix"))
    nameless = replace(declared, sources=(replace(declared.sources[0], host=""), declared.sources[1]))
    assert _said(nameless) == [
        "The lines of mail-log name no host: none of its messages counts as ours. Say mail-log's host"
    ]
    assert _said(replace(nameless, sources=declared.sources)) == []


def test_each_source_is_heard_to_a_bound(declared: Declaration, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it costs nothing."""
    monkeypatch.setattr(strangers, "HEARD", 0)
    assert _said(replace(declared, hosts=())) == []


def test_an_import_hears_all_its_sources(
    declared: Declaration, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who is a stranger shows only in two of them together."""
    monkeypatch.setattr(importing, "declare", lambda *_, **__: 0)
    monkeypatch.setattr(importing, "KafkaLog", MemoryLog)
    declaration = replace(declared, hosts=(declared.hosts[0], Host(name="relay")))
    with importing.Import(Settings(data=tmp_path / "data"), declaration) as job:
        for source in declaration.sources:
            job.read(source, lambda *_: None)
    assert [line.partition(", else")[0] for line in job.strangers.said()] == [ALIAS]


def test_a_look_says_it(declared: Declaration, tmp_path: Path) -> None:
    """To a person."""
    paths = [path for source in declared.sources for path in source.paths]
    (tmp_path / "sources.toml").write_text(
        f"""[[hosts]]\nname = "mx"\n[[hosts]]\nname = "relay"\n
        [[sources]]\nname = "mail-log"\nkind = "postfix"\npaths = ["{paths[0]}"]\n
        [[sources]]\nname = "relay-log"\nkind = "postfix"\nhost = "relay"\npaths = ["{paths[1]}"]\n"""
    )
    said = CliRunner().invoke(custody, ["look", "--sources", str(tmp_path / "sources.toml")]).output
    assert [" ".join(one.split())[:40] for one in said.split("\nNot declared: ")[1:]] == [LINES[:40], ALIAS[:40]]

"""A `sources.toml` is read as a whole, and what is wrong in it is said with its key."""

from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path

import pytest

from streams.collect import sources
from streams.collect.declaration import Declaration, Host, Source, SubmissionPoint
from streams.core.errors import Misuse
from tests.collect.postfix_logs import DATA

END = 1_795_476_672_000_000
"""2026-11-23T23:31:12Z."""


def _read(folder: Path, text: str) -> Declaration:
    file = folder / "sources.toml"
    file.write_text(text, encoding="utf-8")
    return sources.read(file)


def test_the_sample_day() -> None:
    """The sample day's declaration says who is who, where messages are ours, and when the evidence ends."""
    day = sources.read(DATA / "day" / "sources.toml")
    assert [(source.name, source.kind, source.host) for source in day.sources] == [
        ("origin-log", "postfix", "origin"),
        ("relay-log", "postfix", "relay"),
        ("dest-log", "postfix", "dest"),
        ("store-log", "dovecot", "store"),
        ("reports", "reports", ""),
    ]
    assert all(Path(path).exists() for source in day.sources for path in source.paths)
    assert {day.host_of(name) for name in ("relay.lab.test", "reinject", "Reinject.lab.test", "127.0.0.12")} == {
        "relay"
    }
    assert [(point.host, point.networks) for point in day.submission_points] == [
        ("origin", (ip_network("127.0.0.1/32"),))
    ]
    assert day.until == END
    assert day.terms == str(DATA / "day" / "day-terms.toml")


def test_the_example_is_the_sample_day_and_shows_every_key() -> None:
    """The packaged example is the declaration of the sample day, and no key is missing in it."""
    example = (files("schemas") / "examples" / "sources.toml").read_text(encoding="utf-8")
    assert example == (DATA / "day" / "sources.toml").read_text(encoding="utf-8")
    tables = (sources._File, sources._Host, sources._Point, sources._Source)
    missing = {field for table in tables for field in table.__struct_fields__ if f"{field} =" not in example}
    assert missing <= {"sources", "hosts", "submission_points"}  # these are tables


def test_the_least_that_a_reader_is_shown_can_be_read(tmp_path: Path) -> None:
    """README's declaration has hosts, a submission point, and a source."""
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    declared = _read(tmp_path, readme.partition("```toml\n")[2].partition("```")[0])
    assert [point.host for point in declared.submission_points] == [host.name for host in declared.hosts] == ["mx"]
    assert [source.paths for source in declared.sources] == [("/var/log/mail.log",)]


def test_an_empty_file_declares_nothing(tmp_path: Path) -> None:
    """Everything has a default."""
    assert _read(tmp_path, "") == Declaration()


def test_everything_declared(tmp_path: Path) -> None:
    """Names are folded, relative paths are of the file's folder, a host may be given by any of its names."""
    declared = _read(
        tmp_path,
        """
        until = 2026-01-01T01:00:00+01:00
        terms = "guaranteed"
        local_domains = ["Example.ORG"]
        keep_raw = false
        [[hosts]]
        name = "MX"
        aliases = ["MX.Example.Org", "192.0.2.1"]
        reports = false
        filters = ["spamassassin"]
        [[submission_points]]
        host = "mx.example.org"
        services = ["submission"]
        networks = ["10.0.0.0/8", "2001:db8::/32"]
        authenticated = false
        local = false
        [[sources]]
        name = "mx-1.log"
        kind = "postfix"
        host = "192.0.2.1"
        paths = ["mail.log", "/var/log/mail", "-"]
        year = 2026
        timezone = "Europe/Berlin"
        """,
    )
    assert declared == Declaration(
        sources=(
            Source(
                name="mx-1.log",
                kind="postfix",
                host="MX",
                paths=(str(tmp_path / "mail.log"), "/var/log/mail", "-"),
                year=2026,
                timezone="Europe/Berlin",
            ),
        ),
        hosts=(
            Host(
                name="MX",
                aliases=frozenset({"mx.example.org", "192.0.2.1"}),
                reports=False,
                filters=frozenset({"spamassassin"}),
            ),
        ),
        submission_points=(
            SubmissionPoint(
                host="MX",
                services=frozenset({"submission"}),
                networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
                authenticated=False,
                local=False,
            ),
        ),
        local_domains=frozenset({"example.org"}),
        until=1_767_225_600_000_000,
        terms="guaranteed",
        keep_raw=False,
    )


SOURCE = '[[sources]]\nname = "a"\nkind = "postfix"\n'
HOST = '[[hosts]]\nname = "mx"\n'
WRONG = {
    "unknown key": ("sorces = []", "there is no key `sorces`"),
    "unknown key of a source": (SOURCE + 'path = "x"', "sources[0]: there is no key `path`"),
    "unknown key of a host": (HOST + 'alias = "x"', "hosts[0]: there is no key `alias`"),
    "unknown key of a submission point": (
        '[[submission_points]]\nhost = "mx"\nnetwork = "x"',
        "submission_points[0]: there is no key `network`",
    ),
    "missing key": ('[[sources]]\nkind = "postfix"', "sources[0]: it lacks the key `name`"),
    "a name that no file can have": (SOURCE + f'paths = ["{"a" * 300}"]', "sources[0].paths: 'aaaa"),
    "a name with a zero byte": (SOURCE + 'paths = ["a\\u0000b"]', "sources[0].paths: 'a\\x00b' cannot be a file"),
    "another type": (SOURCE + 'paths = "x"', "sources[0].paths: Expected `array`, got `str`"),
    "a name that is no file name": ('[[sources]]\nname = "../a"\nkind = "postfix"', "sources[0].name: "),
    "a name of the ledger's own": ('[[sources]]\nname = "terms"\nkind = "postfix"', "sources[0].name: 'terms'"),
    "unknown kind": ('[[sources]]\nname = "a"\nkind = "exim"', "sources[0].kind: there is no kind 'exim'"),
    "a store without host": ('[[sources]]\nname = "a"\nkind = "dovecot"', "sources[0].host: lines of dovecot"),
    "undeclared host": (SOURCE + 'host = "mx"', "sources[0].host: 'mx' is no declared host"),
    "undeclared submission point": ('[[submission_points]]\nhost = "mx"', "submission_points[0].host: 'mx' is no"),
    "a source twice": (SOURCE + SOURCE, "sources: 'a' is declared twice"),
    "a host twice": (HOST + HOST, "hosts: 'mx' is declared twice"),
    "an alias of two hosts": (
        HOST + 'aliases = ["Relay"]\n[[hosts]]\nname = "b"\naliases = ["relay"]',
        "hosts: 'relay' is declared twice",
    ),
    "a submission point twice": (
        HOST + 'aliases = ["b"]\n[[submission_points]]\nhost = "mx"\n[[submission_points]]\nhost = "b"',
        "submission_points: 'mx' is declared twice",
    ),
    "a network with host bits": (
        HOST + '[[submission_points]]\nhost = "mx"\nnetworks = ["10.0.0.1/8"]',
        "submission_points[0].networks: 10.0.0.1/8 has host bits set",
    ),
    "no such time zone": (SOURCE + 'timezone = "Mars"', "sources[0].timezone: there is no time zone 'Mars'"),
    "a path as time zone": (SOURCE + 'timezone = "../x"', "sources[0].timezone: there is no time zone"),
    "a year that cannot be": (SOURCE + "year = 26", "sources[0].year: "),
    "a live source of two files": (SOURCE + 'live = true\npaths = ["a", "b"]', "sources[0].paths: a live source has"),
    "a shared mailbox without an end": (SOURCE + 'shared = "shared"', "sources[0].shared: "),
    "shared mailboxes of a switch": (
        HOST + SOURCE.replace("dovecot", "postfix") + 'host = "mx"\nshared = "shared/"',
        "sources[0].shared: a source of postfix has no mailboxes.",
    ),
    "a date for a time": ("until = 2026-11-23", "until: "),
    "a time without its zone": ("until = 2026-11-23T12:00:00", "until: 2026-11-23T12:00:00 says no time zone."),
    "no such terms": ('terms = "lax"', "terms: There is no file "),
    "not TOML": ("= 1", "is not TOML"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_with_its_key(wrong: str, tmp_path: Path) -> None:
    """Every mistake ends in one sentence that names the file and the key."""
    text, said = WRONG[wrong]
    with pytest.raises(Misuse) as refused:
        _read(tmp_path, text)
    assert said in str(refused.value)
    assert str(tmp_path / "sources.toml") in str(refused.value)
    assert str(refused.value).endswith(".")


def test_shared_mailboxes_are_declared_of_their_store(tmp_path: Path) -> None:
    """Whoever declares them later is told that lines were understood otherwise before; nobody else is."""
    store = HOST + SOURCE.replace("postfix", "dovecot") + 'host = "mx"\n'
    without = _read(tmp_path, store)
    declared = _read(tmp_path, store + 'shared = "shared/"')
    (source,) = declared.sources
    assert source.shared == "shared/"
    assert declared.meaning(source) != without.meaning(without.sources[0])
    assert _read(tmp_path, store + 'shared = ""').meaning(without.sources[0]) == without.meaning(without.sources[0])


HINTS = {
    "a key that is none": ("sorces = []", "every key: "),
    "not TOML": ("= 1", ""),
    "twice": (SOURCE + SOURCE, "a name is of one only"),
    "another encoding": ("# Gr\xfc\xdfe", "is it a log? custody look "),
}


@pytest.mark.parametrize("wrong", HINTS)
def test_the_example_is_named_where_it_helps(wrong: str, tmp_path: Path) -> None:
    """It is a file that is there, wherever Custody is installed; other mistakes have other hints, or none."""
    text, hint = HINTS[wrong]
    (tmp_path / "sources.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(Misuse) as refused:
        sources.read(tmp_path / "sources.toml")
    assert hint in refused.value.hint
    assert ("sources.toml" in refused.value.hint) is (wrong in {"a key that is none", "another encoding"})
    assert Path(refused.value.hint.removeprefix("every key: ")).is_file() is (wrong == "a key that is none")


def test_wrong_terms_are_said_with_their_place(tmp_path: Path) -> None:
    """A terms file of one's own is checked when it is declared."""
    (tmp_path / "own.toml").write_text("no_such_key = 1\n", encoding="utf-8")
    with pytest.raises(Misuse, match=r"terms: .*own\.toml"):
        _read(tmp_path, 'terms = "own.toml"')


def test_a_file_that_is_away(tmp_path: Path) -> None:
    """A declaration that cannot be read is said with its path."""
    with pytest.raises(Misuse, match=r"none\.toml cannot be read: No such file"):
        sources.read(tmp_path / "none.toml")

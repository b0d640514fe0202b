"""`custody collect`: evidence of one source into the log, once or as it is written."""

from pathlib import Path
from typing import Any

import click

from streams.cli._evidence import Bar, as_data, bars, say_all, warn_of_others, warn_without_points
from streams.cli._signals import stop_at_signal
from streams.cli._stack import data_options, json_option, say_json, settings_of
from streams.settings import Settings


@click.command()
@click.argument("kind")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--source", "name", help="Name of the source in the ledger.  [default: KIND-HOST]")
@click.option("--host", help="Whose evidence it is, where its lines do not say.")
@click.option("--sources", "declared", type=click.Path(path_type=Path), help="Declaration of hosts and sources (TOML).")
@click.option("--year", type=click.IntRange(1990, 2200), help="Of the first line, where times have no year.")
@click.option("--timezone", help="IANA name, where times have no offset.  [default: UTC]")
@click.option("--follow", "live", is_flag=True, help="Go on as the log is written, through rotation, until stopped.")
@click.option("--ledger", help="Ledger to write to.  [default: main]")
@data_options
@json_option
def command(*, data: Path | None, file: Path | None, ledger: str | None, as_json: bool, **wanted: Any) -> None:
    r"""Read evidence of one source into the log, from where it was left.

    KIND is postfix, dovecot, reports or jsonl. FILE is a file, a folder, or - for standard input; plain, gzip, xz or
    bzip2. Without one, the paths that --sources declares are read. Messages are ours where --sources says so, else
    where --host takes them by login, by the sendmail command, on a submission service, or from itself.

    \b
    Examples:
      custody collect postfix /var/log/mail.log --host mx1 --follow
      custody collect reports Maildir --sources sources.toml
      journalctl -u postfix@- -o json | custody collect postfix - --host mx1
    """
    from streams.cli._source import Wanted, resolved  # noqa: PLC0415 - the parsers are slow to import

    source, declaration, text = resolved(Wanted(**wanted))
    settings = settings_of(data, file, ledger)
    if source.kind == "postfix":
        warn_without_points(declaration, "--host and --sources")
    job = _Job(settings, source, declaration, text)
    with bars(quiet=as_json) as progress:
        job.run(Bar(progress, source, lambda: job.counts.pieces))
    if as_json:
        say_json({"source": source.name, "through": job.through or None, **as_data(job.counts)})
    else:
        say_all({source.name: job.counts})
    job.refuse_incomplete()


class _Job:
    """One run of the command."""

    def __init__(self, settings: Settings, source: Any, declaration: Any, text: str) -> None:
        from streams.collect.parser import Counts  # noqa: PLC0415

        self.settings, self.source, self.declaration, self.text = settings, source, declaration, text
        self.counts = Counts()
        self.beyond: list[str] = []
        self.through: int | None = None
        """How far the source is in the log, microseconds; 0 or None: that is not known."""

    def run(self, bar: Bar) -> None:
        from streams.collect import ending  # noqa: PLC0415
        from streams.collect.importing import conclude, refuse_missing  # noqa: PLC0415

        if self.source.live:
            self._follow(bar)
            return
        refuse_missing([self.source])
        collector = self._collector(bar)
        collector.read()
        self.through = conclude(self.settings, self.declaration, [collector])
        self.beyond = ending.beyond(self.declaration.until, {self.source.name: collector.through})
        bar.finish()

    def _follow(self, bar: Bar) -> None:
        from streams.collect.restarting import keep_following  # noqa: PLC0415

        latest: Any = None

        def make() -> Any:
            nonlocal latest
            latest = self._collector(bar)
            return latest

        keep_following(make, stop_at_signal())
        self.through = latest.claimed if latest else None

    def refuse_incomplete(self) -> None:
        """Say if something of the source is missing; one that is followed was told of it as it happened.

        Raises:
            Undecodable: it is.
        """
        from streams.collect.importing import refuse_incomplete  # noqa: PLC0415

        if not self.source.live:
            warn_of_others(self.settings)
            refuse_incomplete({self.source.name: self.counts}, self.beyond)

    def _collector(self, bar: Bar) -> Any:
        """A collector from the checkpoint on, with a writer of its own, once the ledger knows its source."""
        from streams.collect.declaring import declare  # noqa: PLC0415 - the broker's client is slow to import
        from streams.collect.importing import store_of  # noqa: PLC0415
        from streams.collect.run import Collector  # noqa: PLC0415
        from streams.kafka.broker import KafkaLog  # noqa: PLC0415
        from streams.kafka.writer import EventWriter  # noqa: PLC0415

        declare(self.settings, self.declaration, self.text, reads=[self.source.name])
        collector = Collector(
            source=self.source,
            declaration=self.declaration,
            writer=EventWriter(KafkaLog(self.settings).writer()),
            store=store_of(self.settings, self.source),
            told=bar,
        )
        collector.parser.counts.add(self.counts)
        self.counts = collector.parser.counts
        return collector

"""The command line: parses, calls, prints. Exit codes: 0 fit or verified, 1 not fit or differs, 2 inconclusive, 3 not
verified (a re-run was asked for and not made), 64 and up misuse, 70 an error in heorsynth."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

import click

from heorsynth.core.errors import HeorsynthError, OutputError

EXIT = {"fit": 0, "not fit": 1, "inconclusive": 2}
VERIFICATION = {"verified": 0, "differs": 1, "not verified": 3}
USAGE, BAD_INPUT, FAULT, CANNOT_WRITE, INTERRUPTED = 64, 65, 70, 73, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="heorsynth")
def cli() -> None:
    """Synthetic cohorts for health economics: make them, and know what they are fit for."""


@cli.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder that run folders are written into.",
)
@click.option("--sign-key", type=click.Path(path_type=Path), help="Ed25519 key to sign with; else HEORSYNTH_SIGN_KEY.")
@click.option("--registry", type=click.Path(path_type=Path), help="File of released cohorts to add these to.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="File with an owner's key to mark rows with.")
@click.option("--require-governance", is_flag=True, help="Refuse a protocol that leaves governance blanks.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="local|processes|dask|tcp://…",
    help="Where cohorts are drawn and checked.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Of 'processes' and 'dask'; one on each core by default.")
def run(
    protocol: Path,
    out: Path,
    sign_key: Path | None,
    registry: Path | None,
    watermark_key: Path | None,
    require_governance: bool,
    engine: str,
    workers: int | None,
) -> int:
    """Run PROTOCOL: make its cohorts, check them, write the run folder, print the verdict."""
    from heorsynth.protocol.run import run as run_protocol

    done = run_protocol(
        protocol,
        out,
        sign_key=sign_key,
        registry=registry,
        watermark_key=watermark_key,
        require_governance=require_governance,
        engine=engine,
        workers=workers,
    )
    click.echo(done.evidence)
    click.echo(f"\nVerdict: {done.verdict}. Dossier: {done.report}")
    click.echo(done.signature)
    return EXIT[done.verdict]


@cli.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="Folder that holds the source file, if it is not a bundled dataset.",
)
@click.option("--no-rerun", is_flag=True, help="Run nothing: a re-run executes the folder's notebook, which is code.")
@click.option("--trusted-key", type=click.Path(path_type=Path), help="Public key that must have signed.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="The owner's key the rows were marked with.")
def verify(
    folder: Path, source: Path | None, no_rerun: bool, trusted_key: Path | None, watermark_key: Path | None
) -> int:
    """Check a RUN folder: its bytes and signature, whether it agrees with itself, then a re-run's numbers and verdict.

    Exit code 0: verified (with --no-rerun: bytes verified, not re-run). 1: differs. 3: not verified, since the re-run
    that was asked for could not be made (no source, a notebook that fails) or came out otherwise with other versions.
    """
    from heorsynth.protocol.verify import verify as verify_run

    found = verify_run(folder, source, rerun=not no_rerun, trusted_key=trusted_key, watermark_key=watermark_key)
    click.echo(found)
    return VERIFICATION[found.result]


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--registry", type=click.Path(path_type=Path), help="File of released cohorts to look it up in.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="An owner's key to look for in the rows.")
def inspect(files: tuple[Path, ...], registry: Path | None, watermark_key: Path | None) -> int:
    """Say of each FILE whether it is labelled or marked synthetic, and of which release. No sign is not proof."""
    from heorsynth.data.inspect import inspect as inspect_file

    seen = [inspect_file(path, registry, watermark_key) for path in files]
    for one in seen:
        click.echo(one)
    return 0 if all(one.synthetic for one in seen) else 1


@cli.command()
@click.argument("data", metavar="FROM.csv", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Folder to write into; here by default.")
def init(data: Path, out: Path) -> int:
    """Write a protocol and a notebook to start from, guessing the role of each column."""
    from heorsynth.protocol.start.init import init as write_start

    started = write_start(data, out)
    click.echo(started)
    return 0


@cli.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which runs that came before are looked for.",
)
def lock(protocol: Path, out: Path) -> int:
    """Freeze PROTOCOL before results are seen."""
    from heorsynth.protocol.file.spec import read_protocol
    from heorsynth.protocol.lock import source_is_here, write_lock

    click.echo(f"locked: {write_lock(protocol, out)}")
    if not source_is_here(read_protocol(protocol)):
        click.echo("Its source is not here, so nothing tells whether these roles fit the patients.")
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def keygen(file: Path) -> int:
    """Make a key to sign runs with: FILE, which is secret, and FILE.pub, which is not."""
    from heorsynth.provenance.signature import keygen as make_key

    private, public, name = make_key(file)
    click.echo(f"wrote {private} (keep it secret) and {public} (give it to reviewers)\nkey {name}")
    return 0


@cli.command()
def datasets() -> int:
    """List the bundled datasets."""
    from heorsynth.data import datasets as bundled

    for name in bundled.names():
        click.echo(f"{name:16} {bundled.title(name)}")
    return 0


@cli.command()
def generators() -> int:
    """List the generators."""
    from heorsynth.generators import registry

    for name in registry.names():
        click.echo(f"{name:16} {registry.describe(name)}")
    return 0


@cli.command()
def checks() -> int:
    """List the estimands that checks can hold against a margin."""
    from heorsynth.checks.planning.catalogue import ESTIMANDS

    for name, estimand in ESTIMANDS.items():
        click.echo(f"{name:32} {estimand.definition}")
    return 0


def fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ends the program with a code of its own where it fails without an error of ours: Python's 1 means "not fit".

    What the error says is not shown, since a library's message may quote a patient's value; the lines it passed
    through are.
    """
    click.echo("".join(traceback.format_tb(trace)), err=True, nl=False)
    click.echo(f"heorsynth failed with {kind.__name__}: nothing was judged. Please report the lines above.", err=True)
    sys.stdout.flush()
    os._exit(FAULT)  # a hook cannot change the code that Python ends with


def main() -> None:
    """Entry point of the `heorsynth` command."""
    sys.excepthook = fault
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.UsageError as error:
        error.show()
        code = USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted: nothing was written", err=True)
        sys.stdout.flush()
        # An interrupt that passes through a nested interpreter call makes Python die of the signal at exit, though
        # it was handled here; what there was to clean up has been.
        os._exit(INTERRUPTED)
    except HeorsynthError as error:
        click.echo(error, err=True)
        code = CANNOT_WRITE if isinstance(error, OutputError) else BAD_INPUT
    sys.exit(code or 0)


if __name__ == "__main__":
    main()

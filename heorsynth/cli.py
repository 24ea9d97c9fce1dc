"""The command line. Exit codes: 0 fit or verified, 1 not fit or differs, 2 inconclusive, 3 not verified (the re-run was
not possible), 64 wrong usage, 65 wrong input, 70 an error in heorsynth, 73 output not writable, 130 interrupted."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import click

from heorsynth.core.errors import HeorsynthError, OutputError

_EXIT = {"fit": 0, "not fit": 1, "inconclusive": 2}
_VERIFICATION = {"verified": 0, "differs": 1, "not verified": 3}
_RELEASE_KEY = "File with the secret behind the noise of a shared or public release; default: HEORSYNTH_RELEASE_KEY."
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
    help="Folder for the run folders.",
)
@click.option("--sign-key", type=click.Path(path_type=Path), help="Ed25519 private key; default: HEORSYNTH_SIGN_KEY.")
@click.option("--registry", type=click.Path(path_type=Path), help="Registry of releases; the cohorts are added.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="File with the owner's key for the watermark.")
@click.option("--release-key", type=click.Path(path_type=Path), help=_RELEASE_KEY)
@click.option("--ledger", type=click.Path(path_type=Path), help="Ledger of releases, which stays with the custodian.")
@click.option("--live-model", is_flag=True, help="Ask the protocol's language model for texts that are not on record.")
@click.option("--require-governance", is_flag=True, help="Refuse a protocol with blank governance answers.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="local|processes|dask|tcp://…",
    help="Where cohorts are drawn and checked.",
)
@click.option("--workers", type=click.IntRange(min=1), help="For 'processes' and 'dask'; default: one per core.")
def run(
    protocol: Path,
    out: Path,
    sign_key: Path | None,
    registry: Path | None,
    watermark_key: Path | None,
    release_key: Path | None,
    ledger: Path | None,
    live_model: bool,
    require_governance: bool,
    engine: str,
    workers: int | None,
) -> int:
    """Run PROTOCOL: draw and check its synthetic cohorts, write the run folder, print the verdict."""
    from heorsynth.protocol.file.spec import read_protocol

    read_protocol(protocol)  # its errors are told before the rest is loaded and a kernel is started
    from heorsynth.protocol.notebook import started_kernel

    with started_kernel() as kernel:  # it imports while this process does, fits, draws and checks
        from heorsynth.data.labels.levels import level_sentence
        from heorsynth.protocol.run import run as run_protocol

        finished = run_protocol(
            protocol,
            out,
            sign_key=sign_key,
            registry=registry,
            watermark_key=watermark_key,
            release_key=release_key,
            ledger=ledger,
            live_model=live_model,
            require_governance=require_governance,
            engine=engine,
            workers=workers,
            kernel=kernel,
        )
    click.echo(finished.evidence)
    click.echo(f"\nVerdict: {finished.verdict}. Dossier: {finished.report}")
    click.echo(level_sentence(finished.level))
    click.echo(finished.signature)
    for texts in finished.texts.values():
        click.echo(texts.sentence)
    if finished.ledger:
        click.echo(finished.ledger)
    return _EXIT[finished.verdict]


@cli.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="Folder of the source file; not needed for bundled datasets.",
)
@click.option("--no-rerun", is_flag=True, help="Do not repeat the run; a re-run executes the notebook in the folder.")
@click.option("--trusted-key", type=click.Path(path_type=Path), help="Public key; the signature must be by this key.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="File with the owner's key of the watermark.")
@click.option("--release-key", type=click.Path(path_type=Path), help=_RELEASE_KEY)
def verify(
    folder: Path,
    source: Path | None,
    no_rerun: bool,
    trusted_key: Path | None,
    watermark_key: Path | None,
    release_key: Path | None,
) -> int:
    """Verify a RUN folder: its bytes, its signature, its consistency, and the numbers and verdict of a re-run.

    Exit code 0: verified (with --no-rerun: bytes verified, not re-run). 1: differs. 3: not verified, because the re-run
    was not possible (no source, no release key, or a notebook that fails), or because it differs and other versions
    are installed.
    """
    from heorsynth.protocol.verify import verify as verify_run

    keys = {"trusted_key": trusted_key, "watermark_key": watermark_key, "release_key": release_key}
    verification = verify_run(folder, source, rerun=not no_rerun, **keys)
    click.echo(verification)
    return _VERIFICATION[verification.result]


@cli.command()
@click.argument("analysis")
@click.option("--run", "folder", required=True, metavar="RUN", type=click.Path(path_type=Path), help="The run folder.")
@click.option(
    "--patients",
    type=click.Path(path_type=Path),
    help="The source file or its folder; not needed for bundled datasets.",
)
def replicate(analysis: str, folder: Path, patients: Path | None) -> int:
    """Run ANALYSIS on the patients and on the synthetic cohorts of a run, and print the table of both.

    ANALYSIS is file.py:function, or a YAML file with the settings of hs.Analysis. What the script prints is dropped.
    Exit code 0: every decision is the same. 1: one differs. 2: an estimate is missing.
    """
    from heorsynth.protocol.replicate import replicate_run

    found = replicate_run(analysis, folder, patients)
    for one in found:
        click.echo(one)
    same = [one.agrees for one in found]
    return 1 if False in same else 2 if None in same else 0


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--registry", type=click.Path(path_type=Path), help="Registry of releases to search.")
@click.option("--watermark-key", type=click.Path(path_type=Path), help="File with the owner's key of the watermark.")
def inspect(files: tuple[Path, ...], registry: Path | None, watermark_key: Path | None) -> int:
    """Report whether each FILE is labelled or marked as synthetic, and its release.

    A file without label and watermark is not proven to be real.
    """
    from heorsynth.data.inspect import inspect as inspect_file

    inspections = [inspect_file(path, registry, watermark_key) for path in files]
    for inspection in inspections:
        click.echo(inspection)
    return 0 if all(inspection.synthetic for inspection in inspections) else 1


@cli.command()
@click.argument("data", metavar="FROM.csv", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Output folder; default: the current one.")
@click.option("--sheet", help="Sheet of an Excel workbook; default: the first that holds a table.")
def init(data: Path, out: Path, sheet: str | None) -> int:
    """Write a first protocol and notebook for FROM.csv, with a guessed role for each column."""
    from heorsynth.protocol.start.init import init as write_start

    started = write_start(data, out, sheet)
    click.echo(started)
    return 0


@cli.command()
@click.argument("protocol", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of earlier runs, which are counted in the lock.",
)
def lock(protocol: Path, out: Path) -> int:
    """Lock PROTOCOL before any result is known."""
    from heorsynth.protocol.file.spec import read_protocol
    from heorsynth.protocol.lock import source_is_here, write_lock

    click.echo(f"locked: {write_lock(protocol, out)}")
    if not source_is_here(read_protocol(protocol)):
        click.echo("Its source was not found, so the roles were not checked against the patients.")
    return 0


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def keygen(file: Path) -> int:
    """Create a key pair to sign runs: FILE (private) and FILE.pub (public)."""
    from heorsynth.provenance.signature import keygen as make_key

    private, public, key = make_key(file)
    click.echo(f"wrote {private} (keep it secret) and {public} (give it to reviewers)\nkey {key}")
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
    """List the estimands that a check can compare with a margin."""
    from heorsynth.checks.planning.catalogue import ESTIMANDS

    for name, estimand in ESTIMANDS.items():
        click.echo(f"{name:32} {estimand.definition}")
    return 0


def fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End the program with exit code 70 after an unexpected exception; Python's own code 1 would mean "not fit".

    The traceback is printed without the message, because the message of a library can contain a patient's value.
    """
    click.echo("".join(traceback.format_tb(trace)), err=True, nl=False)
    click.echo(f"heorsynth failed with {kind.__name__}: nothing was judged. Please report the lines above.", err=True)
    _leave(FAULT)  # an exception hook cannot set the exit code of Python


def _leave(code: int) -> NoReturn:
    """End the program with this exit code, after what is to be done at its end.

    Without the latter, the tracker of workers' semaphores warns of every one that is left. The user is told by now why
    the program ends, so what exit handlers print is dropped: those of other packages can fail on work that was stopped
    in the middle (nbclient's does, on a kernel that is already gone).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    atexit._run_exitfuncs()
    os._exit(code)


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
        # After an interrupt in a nested interpreter call, Python would exit by the signal, although the interrupt is
        # handled here. All temporary files are removed by now.
        _leave(INTERRUPTED)
    except HeorsynthError as error:
        click.echo(error, err=True)
        code = CANNOT_WRITE if isinstance(error, OutputError) else BAD_INPUT
    gc.freeze()  # otherwise all that was imported is searched for garbage before the program ends
    sys.exit(code or 0)


if __name__ == "__main__":
    main()

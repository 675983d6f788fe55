"""The command line: ``kb up | sync | search | ask | status | doctor | models | eval | mcp |
export | import | backup``.

Results go to stdout, progress and errors to stderr. Exit code 0: done; 1: failed; 2: wrong
usage. While a server runs for the same home, `sync`, `search`, `ask` and `status` go
through it, since one process at a time has the index open.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import webbrowser
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from kb import load_config
from kb.config import Home
from kb.config.named import LAPTOP, QUOTES
from kb.errors import ConfigError, KnowledgeBaseError, StoreError
from kb.masking import masked
from kb.types import Kind
from ui.cli.models_commands import models
from ui.cli.moving_commands import backup, export, import_
from ui.cli.options import HomeOption, JsonOption, ProfileOption, configure, print_json, say
from ui.cli.token_commands import token
from ui.cli.trash_commands import trash
from ui.logs import LogFormat, log_as, mask_logs
from ui.printable import printable, printable_json

if TYPE_CHECKING:
    # Reading workers import this module anew; what speaks HTTP takes a sixth of a second.
    from ui.cli.backend import Backend

__all__ = ["main"]

app = typer.Typer(
    name="kb",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"kb {importlib.metadata.version('multimodal-kb')}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option("--version", help="Tell the version.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """A multimodal knowledge base: drop files into a folder, ask, get cited answers."""


app.add_typer(models, name="models")
app.add_typer(token, name="token")
app.add_typer(trash, name="trash")
app.command()(export)
app.command(name="import")(import_)
app.command()(backup)

ImageOption = Annotated[
    list[Path] | None,
    typer.Option("--image", help="A picture to ask with.", exists=True, dir_okay=False),
]
VideoOption = Annotated[
    Path | None,
    typer.Option("--video", help="A clip to ask with.", exists=True, dir_okay=False),
]
FolderOption = Annotated[
    list[str] | None, typer.Option("--folder", help="Only this folder, relative to its root.")
]
KindOption = Annotated[list[Kind] | None, typer.Option("--kind", help="Only this kind of file.")]
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", help="Only this file, relative to its root.")
]
AfterOption = Annotated[
    datetime | None,
    typer.Option(
        "--after",
        help="Not older than this, by the content's own date, else the file's.",
        formats=["%Y-%m-%d"],
    ),
]
AsWrittenOption = Annotated[
    bool,
    typer.Option("--as-written", help="Mend no word; a word in quotation marks never is."),
]
BeforeOption = Annotated[
    datetime | None,
    typer.Option("--before", help="Older than this, likewise.", formats=["%Y-%m-%d"]),
]
ChangedAfterOption = Annotated[
    datetime | None,
    typer.Option(
        "--changed-after", help="The file was changed on this day or later.", formats=["%Y-%m-%d"]
    ),
]
ChangedBeforeOption = Annotated[
    datetime | None,
    typer.Option(
        "--changed-before", help="The file was changed before this day.", formats=["%Y-%m-%d"]
    ),
]


@app.command()
def up(
    home: HomeOption = None,
    profile: ProfileOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 7860,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no page.")] = False,
    samples: Annotated[
        bool, typer.Option("--samples", help="Put the samples into an empty library first.")
    ] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            help="Of the log on stderr: text with warnings, or JSON with every request.",
            envvar="KB_LOG_FORMAT",
        ),
    ] = LogFormat.TEXT,
    as_json: JsonOption = False,
) -> None:
    """Index the library, keep it indexed, and serve the page."""
    log_as(log_format)
    # Gradio asks its makers for news at start, unless told not to.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from ui.cli.choose_profile import choose_profile
    from ui.cli.collector import calm_collector
    from ui.http.server import run_server
    from ui.service.library import copy_samples
    from ui.service.service import Service

    place = Home(home) if home else Home.default()
    why = ""
    if profile is None:
        profile, why = choose_profile(place)
    place, config = configure(home, profile, is_made=True)
    copied = copy_samples(place.library) if samples else []

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url, "home": str(place.path), "samples": copied})
        else:
            if copied:
                say(f"The library was empty: {len(copied)} sample files were copied into it.")
            say(f"Library   {place.library}   (drop files here, or onto the page)")
            say(f"Profile   {config.profile}{f'   ({why})' if why else ''}")
            say(f"Page      {url}   (Ctrl+C ends)")
        if not no_browser:
            webbrowser.open(url)

    service = Service(place, config)
    calm_collector()
    run_server(service, host, port, ready)


@app.command()
def sync(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Only these folders; a new one is indexed in place from now on."),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, and change nothing.")] = False,
    allow_mass_delete: Annotated[
        bool,
        typer.Option("--allow-mass-delete", help="Go on where a root lost more than half."),
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Read failed files again.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Forget the index and make it anew.")
    ] = False,
    reembed: Annotated[
        bool,
        typer.Option(
            "--reembed",
            help="Make this profile's vectors beside the present ones, which answer meanwhile.",
        ),
    ] = False,
    forget: Annotated[
        Path | None,
        typer.Option("--forget", help="Take this folder out of the index; its files stay."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the index in line with the library and other folders."""
    from ui.cli.backend import open_backend
    from ui.cli.display import print_sync
    from ui.cli.progress import SyncDisplay
    from ui.cli.reembedding import reembed_now

    is_made = not (dry_run or reembed or forget)
    place, config = configure(home, profile, is_made=is_made)
    if rebuild and dry_run:
        raise typer.BadParameter("--rebuild can't be tried with --dry-run.")
    if reembed:
        if folders or dry_run or allow_mass_delete or retry or rebuild or forget:
            raise typer.BadParameter(
                "--reembed makes vectors of what is indexed, and takes no folders and no other "
                "option than --home, --profile and --json."
            )
        reembed_now(place, config, as_json=as_json)
        return
    with open_backend(place, config, profile, rebuild=rebuild) as backend:
        if forget is not None:
            n_files = backend.forget(forget.expanduser().resolve())
            if as_json:
                print_json({"forgotten": str(forget), "n_files": n_files})
            else:
                say(f"{n_files} files of {forget} are no longer in the index.")
            return
        with SyncDisplay() as display:
            report = backend.sync(
                {
                    "folders": [str(folder.expanduser().resolve()) for folder in folders or ()],
                    "dry_run": dry_run,
                    "allow_mass_delete": allow_mass_delete,
                    "retry": [] if retry else None,
                },
                display.show,
            )
    if as_json:
        print_json(report)
    else:
        print_sync(report, dry_run=dry_run)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words to look for.")] = "",
    image: ImageOption = None,
    video: VideoOption = None,
    top: Annotated[int | None, typer.Option("--top", help="Results.", min=1, max=100)] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch",
            help='A file of {"id", "text"?, "image"?, "video"?} lines.',
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    folder: FolderOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    changed_after: ChangedAfterOption = None,
    changed_before: ChangedBeforeOption = None,
    as_written: AsWrittenOption = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find pages, pictures and clips by words, by pictures, or by both."""
    from ui.cli.backend import open_backend
    from ui.cli.display import print_results

    if batch is None and not (text.strip() or image or video):
        raise typer.BadParameter("Give some words, --image, --video, or --batch.")
    place, config = configure(home, profile)
    filters = _filters(folder, kind, source, (after, before), (changed_after, changed_before))
    with open_backend(place, config, profile) as backend:
        if batch is not None:
            n_failed = _search_batch(backend, batch, filters, top, as_written=as_written)
            if n_failed:
                _fail(f"{n_failed} lines of {batch} failed; their `error` says why.")
            return
        result = backend.search(text, image or [], video, filters, top, as_written=as_written)
    if as_json:
        print_json(result)
    else:
        print_results(result)


def _search_batch(
    backend: Backend, batch: Path, filters: str, top: int | None, *, as_written: bool
) -> int:
    """A line for each line; one that fails stops no other. How many failed."""
    n_failed = 0
    for number, line in enumerate(batch.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        identifier = None
        try:
            query = _batch_query(line)
            identifier = query["id"]
            paths = {
                name: batch.parent / query[name] for name in ("image", "video") if query.get(name)
            }
            for path in paths.values():
                if not path.is_file():
                    raise ConfigError(f"There is no file {path}.")
            images = [paths["image"]] if "image" in paths else []
            text = query.get("text") or ""
            result = backend.search(
                text, images, paths.get("video"), filters, top, as_written=as_written
            )
        except StoreError:
            raise  # the next line would fare no better
        except KnowledgeBaseError as error:
            n_failed += 1
            result = {"line": number, "error": str(error)}
        print(printable_json({"id": identifier, **result}), flush=True)
    return n_failed


def _batch_query(line: str) -> dict[str, Any]:
    try:
        query = json.loads(line)
    except ValueError:
        query = None
    if not isinstance(query, dict) or "id" not in query:
        raise ConfigError(f'Expected {{"id", "text"?, "image"?, "video"?}}, found {line[:80]!r}.')
    return query


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The question.")] = "",
    image: ImageOption = None,
    video: VideoOption = None,
    folder: FolderOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    changed_after: ChangedAfterOption = None,
    changed_before: ChangedBeforeOption = None,
    as_written: AsWrittenOption = False,
    generator: Annotated[
        str,
        typer.Option(
            "--generator",
            help="What writes this answer: `quotes`, `laptop`, or a model of `kb models servers`. "
            "Default: kb.yaml's, else the profile's.",
            metavar="NAME",
        ),
    ] = "",
    conversation: Annotated[
        Path | None,
        typer.Option(
            "--conversation",
            help="A file that keeps the questions and answers, so that a question may go on from "
            "the one before; made where it is not there.",
            dir_okay=False,
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question with numbered citations."""
    from kb.models.remote.servers import find_name
    from ui.cli.backend import open_backend
    from ui.cli.display import (
        plain,
        print_citations,
        print_claims,
        print_closest,
        print_note,
        print_understood,
    )
    from ui.service.conversation import read_conversation, turn_json

    if not (text.strip() or image or video):
        raise typer.BadParameter("Give a question, --image or --video.")
    place, config = configure(home, profile)
    if generator not in ("", QUOTES, LAPTOP):
        generator = find_name(generator)
    with open_backend(place, config, profile) as backend:
        filters = _filters(folder, kind, source, (after, before), (changed_after, changed_before))
        turns = read_conversation(conversation) if conversation else "[]"
        held = said = ""
        for event in backend.ask(
            text,
            image or [],
            video,
            filters,
            as_written=as_written,
            turns=turns,
            generator=generator,
        ):
            if "understood" in event:
                if not as_json:
                    print_understood(event["understood"])
            elif "answer" in event:
                if conversation is not None:
                    _keep(conversation, turn_json(event["answer"]))
                if as_json:
                    print_json(event["answer"])
                else:
                    if said.rstrip() != event["answer"]["answer"].rstrip():
                        # The quotes stand in place of what was written so far.
                        print(printable("\n\n" * bool(said) + plain(event["answer"]["answer"])))
                    print_citations(event["answer"])
                    print_note(event["answer"])
                    print_claims(event["answer"])
                    print_closest(event["answer"])
            elif "text" in event and not as_json:
                said += event["text"]
                held += event["text"]
                if not held.endswith("\\"):
                    print(printable(plain(held)), end="", flush=True)
                    held = ""


def _keep(conversation: Path, line: str) -> None:
    try:
        with conversation.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise ConfigError(f"The answer can't be added to {conversation} ({error}).") from error


@app.command()
def status(
    home: HomeOption = None, profile: ProfileOption = None, as_json: JsonOption = False
) -> None:
    """Counts, sizes, settings, and files that failed with their reasons."""
    from ui.cli.backend import open_backend
    from ui.cli.display import print_status

    place, config = configure(home, profile)
    with open_backend(place, config, profile) as backend:
        result = backend.status()
    if as_json:
        print_json(result)
    else:
        print_status(result)


@app.command()
def doctor(
    home: HomeOption = None,
    profile: ProfileOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the library, the ledger, the vectors and the pictures on disk."""
    from ui.cli.doctor import examine, print_findings

    place, config = configure(home, profile)
    findings = examine(place, config, repair=repair)
    if as_json:
        print_json(findings)
    else:
        print_findings(findings)
    if not findings["is_sound"]:
        raise typer.Exit(1)


@app.command()
def mcp(home: HomeOption = None, profile: ProfileOption = None) -> None:
    """Serve programs that speak the Model Context Protocol, on stdin and stdout: tools to search,
    to ask and to open what is cited. They start this command by themselves."""
    from ui.cli.mcp_command import serve_mcp

    place, config = configure(home, profile)
    serve_mcp(place, config, profile)


@app.command(name="eval")
def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="SET",
            help="A folder with corpus/ and queries.jsonl; with --claims, with claims.jsonl.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    from_feedback: Annotated[
        bool,
        typer.Option(
            "--from-feedback",
            help="In place of SET: ask again what was judged by thumbs, of the library as it is.",
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            help="With --from-feedback: only write the questions to this folder, as a set.",
            file_okay=False,
        ),
    ] = None,
    claims: Annotated[
        bool,
        typer.Option(
            "--claims", help="Calibrate the claim check on labelled claims, for this home."
        ),
    ] = False,
    answers: Annotated[
        bool,
        typer.Option("--answers", help="Judge the answers: right, wrong, or rightly refused."),
    ] = False,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus", help="The folder to index, where it is not SET/corpus.", file_okay=False
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Try a setting: retrieve.alpha=0.6", metavar="NAME=VALUE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure recall, nDCG and MRR of the profile on a set of questions; or how many it answers
    right; or find the score under which a sentence of an answer is marked as weakly supported."""
    from ui.cli.claims_evaluation import run_claims_evaluation
    from ui.cli.display import print_claims_evaluation, print_evaluation
    from ui.cli.display_answers import print_answers_evaluation
    from ui.cli.evaluation import run_answers_evaluation, run_evaluation
    from ui.cli.progress import SyncDisplay

    if from_feedback or folder is None or save:
        if not from_feedback or folder or claims or corpus:
            raise typer.BadParameter(
                "Name a SET; or give --from-feedback, perhaps with --save, and no SET."
            )
        _evaluate_feedback(home, profile, setting or [], save, as_json=as_json)
        return
    if claims and (answers or corpus):
        raise typer.BadParameter("--claims judges claims of its own: no --answers, no --corpus.")
    place, _ = configure(home, profile, is_needed=False)
    config = load_config(place, profile, _settings(setting or []))
    with SyncDisplay() as display:
        if claims:
            result = run_claims_evaluation(folder, place, config, display.show)
        elif answers:
            result = run_answers_evaluation(folder, place, config, display.show, corpus)
        else:
            result = run_evaluation(folder, place, config, display.show, corpus)
    if as_json:
        print_json(result)
    elif claims:
        print_claims_evaluation(result)
    elif answers:
        print_answers_evaluation(result)
    else:
        print_evaluation(result)


def _evaluate_feedback(
    home: Path | None, profile: str | None, setting: list[str], save: Path | None, *, as_json: bool
) -> None:
    from ui.cli.display_answers import print_answers_evaluation
    from ui.cli.feedback_evaluation import run_feedback_evaluation, save_feedback

    place, _ = configure(home, profile, is_needed=False)
    if save is not None:
        saved = save_feedback(save, place)
        if as_json:
            print_json(saved)
        else:
            say(f"{saved['n_queries']:,} questions are in {saved['path']}.")
        return
    result = run_feedback_evaluation(
        place, load_config(place, profile, _settings(setting)), profile
    )
    if as_json:
        print_json(result)
    else:
        print_answers_evaluation(result)


def _settings(pairs: list[str]) -> dict[str, Any]:
    import yaml

    result: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"expected NAME=VALUE, found {masked(pair)!r}", param_hint="--set"
            )
        section = result
        *path, last = name.split(".")
        for part in path:
            section = section.setdefault(part, {})
        section[last] = yaml.safe_load(value)
    return result


def _filters(
    folder: list[str] | None,
    kind: list[Kind] | None,
    source: list[str] | None,
    dates: tuple[datetime | None, datetime | None],
    changed: tuple[datetime | None, datetime | None],
) -> str:
    return json.dumps(
        {
            "folder": folder or [],
            "kind": [item.value for item in kind or []],
            "source": source or [],
            "after_ns": _ns(dates[0]),
            "before_ns": _ns(dates[1]),
            "changed_after_ns": _ns(changed[0]),
            "changed_before_ns": _ns(changed[1]),
        }
    )


def _ns(date: datetime | None) -> int | None:
    return None if date is None else int(date.astimezone().timestamp()) * 1_000_000_000


def _fail(message: str) -> NoReturn:
    say(f"kb: {message}")
    raise SystemExit(1)


def main() -> None:
    """Run the command line."""
    mask_logs()
    # What is made from here on, in child processes too, is the user's alone.
    os.umask(0o077)
    try:
        app()
    except KnowledgeBaseError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of a pipe left (`kb search … | head`).
        sys.stderr.close()
        raise SystemExit(0) from None

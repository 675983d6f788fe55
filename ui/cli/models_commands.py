"""``kb models list | pull | check``."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from kb.errors import ConfigError, ModelLoadError
from kb.hub.catalog import KnownModel
from kb.hub.files import find_model_directory
from kb.hub.listing import Hub
from ui.cli.options import HomeOption, JsonOption, ProfileOption, configure, print_json, say

__all__ = ["models"]

models = typer.Typer(help="The models: which are here and whole, and getting others.")


@models.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """The models: which are here and whole, and getting others."""
    if context.invoked_subcommand is None:
        list_models(home, profile, as_json)
    elif home or profile or as_json:
        raise typer.BadParameter(f"Put options after {context.invoked_subcommand!r}.")


@models.command(name="list")
def list_models(
    home: HomeOption = None, profile: ProfileOption = None, as_json: JsonOption = False
) -> None:
    """The models that the profile uses, and those that can be pulled."""
    from ui.cli.models import available_table, model_table
    from ui.cli.models_display import print_available, print_models

    place, config = configure(home, profile, is_needed=False)
    table, available = model_table(place, config), available_table(place)
    if as_json:
        print_json({"models": table, "available": available})
    else:
        print_models(table)
        print_available(available)
    if not all(model["ok"] for model in table):
        raise typer.Exit(1)


@models.command()
def servers(as_json: JsonOption = False) -> None:
    """The model servers that run on this computer, and what they serve.

    Ollama, LM Studio, llama-server and vLLM are looked for on the loopback.
    Nothing is used before it is chosen: for one answer by `kb ask
    --generator NAME`, for all by `kb models use NAME`.
    """
    from kb.models.remote.servers import find_servers
    from ui.cli.models import server_table
    from ui.cli.models_display import print_servers

    table = server_table(find_servers())
    if as_json:
        print_json({"servers": table})
    else:
        print_servers(table)


@models.command()
def use(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model of `kb models servers`, `laptop`, or `quotes`."
        ),
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a model write all answers from now on: one line in kb.yaml.

    Where the profile is `starter`, it goes on finding and judging what
    answers, and its quotes stand where the model fails.
    """
    from kb.config.choosing import choose_generator
    from kb.config.models import LlamaGeneratorConfig
    from kb.config.named import LAPTOP, QUOTES
    from kb.hub.files import locate_model
    from kb.models.remote.servers import find_name

    place, _ = configure(home, None)
    if name == LAPTOP:
        locate_model(LlamaGeneratorConfig().model, place.models)
    elif name != QUOTES:
        name = find_name(name)
    choose_generator(place, name)
    if as_json:
        print_json({"generator": name, "config": str(place.config)})
    else:
        say(
            f"`generator: {name}` stands in {place.config}. A server that runs reads it at its "
            "next start."
        )


@models.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Models or directories. Default: the profile's, and all that were pulled.",
        ),
    ] = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether models are whole, to the byte.

    Every file is read and compared with the digest that the pull has noted:
    17 GB take 15 seconds or more. What is damaged is not used any more, and
    `kb models pull` gets it again.
    """
    from kb.hub.check import noted_bytes, verify_model
    from ui.cli.models import check_table
    from ui.cli.models_display import print_models
    from ui.cli.progress import BytesDisplay

    def examine(directory: Path, model: KnownModel | None) -> None:
        with BytesDisplay(noted_bytes(directory)) as display:
            verify_model(directory, display.show, model)

    place, config = configure(home, profile, is_needed=False)
    table = check_table(place, config, names or (), examine)
    if as_json:
        print_json({"models": table})
    else:
        print_models(table)
    if not all(model["ok"] for model in table):
        raise typer.Exit(1)


@models.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Models or profiles. Default: the profile's."),
    ] = None,
    hub: Annotated[
        Hub | None, typer.Option("--from", help="The hub. Default: the earlier pull's, else HF.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Put NAME there instead of HOME/models.", metavar="DIR"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before loading.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Take the hub's newest revision, not the pinned.")
    ] = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Get models from a hub; goes on where an earlier pull stopped.

    Every file is compared with the hub's digest when it is loaded. One that
    is here already is known by its size, and not read again: that does
    `kb models check`, and a pull after it gets again what it found damaged.
    """
    from kb.hub.pull import existing_parent, plan_pull, require_room
    from kb.hub.pull import pull as pull_model
    from ui.cli.models import gpu_memory, models_of_profile, named_models, why_nothing_to_pull
    from ui.cli.models_display import offer_text, print_pulled
    from ui.cli.progress import BytesDisplay

    started = time.perf_counter()
    place, config = configure(home, profile, is_needed=False)
    try:
        wanted = named_models(place, names) if names else models_of_profile(config)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from error
    if not wanted:
        why = why_nothing_to_pull(place, config, names or ())
        raise typer.BadParameter(why, param_hint="NAME")
    parent = to.expanduser().resolve() if to else place.models
    if not to and not update:
        wanted = [model for model in wanted if not _is_elsewhere(model, place.models)]
    plans = [plan_pull(model, parent / model.name, hub, update=update) for model in wanted]
    left = [plan for plan in plans if plan.left]
    if left:
        require_room(left)
        free_bytes = shutil.disk_usage(existing_parent(parent)).free
        say(offer_text(left, free_bytes, gpu_memory()))
        if not yes and sys.stdin.isatty() and sys.stderr.isatty():
            typer.confirm("Load it?", default=True, abort=True, err=True)
    try:
        with BytesDisplay(sum(plan.n_bytes_left for plan in left)) as display:
            for plan in plans:
                pull_model(plan, display.show)
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from here.")
        raise
    rows = [
        {
            "name": plan.model.name,
            "role": plan.model.role.value,
            "directory": str(plan.directory),
            "is_outside": plan.directory.parent != place.models,
            "hub": plan.listing.hub.value,
            "repository": plan.listing.repository,
            "revision": plan.listing.revision,
            "size_bytes": plan.n_bytes,
            "loaded_bytes": plan.n_bytes_left,
        }
        for plan in plans
    ]
    if as_json:
        total_time_ms = (time.perf_counter() - started) * 1000
        print_json({"models": rows, "total_time_ms": round(total_time_ms, 1)})
    else:
        print_pulled(rows)


def _is_elsewhere(model: KnownModel, models_dir: Path) -> bool:
    """Whether the model is whole in the local cache of the hub's own client."""
    if (models_dir / model.name).is_dir():
        return False
    try:
        directory = find_model_directory(model.name, models_dir)
    except ModelLoadError:
        return False
    say(f"{model.name} is here already: {directory}")
    return True

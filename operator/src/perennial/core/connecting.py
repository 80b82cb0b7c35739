"""The sources of metrics of one operator: what its settings and its file of sources say."""

from __future__ import annotations

from perennial.core import source_file
from perennial.core.settings import Settings
from perennial.core.source_file import SourceDefinition, SourceFile
from perennial.core.sources import Source, Sources, source_of
from perennial.ports.prometheus import HttpPrometheus

SETTINGS_SOURCE = "settings"
"""The name that the source of the settings has for clients; rollouts name it by naming none."""


def client_of(definition: SourceDefinition) -> HttpPrometheus:
    """A client of its own: one that hangs at one question does not keep another waiting."""
    return HttpPrometheus(definition.url, token_file=definition.token_file, ca_file=definition.ca_file)


def sources(settings: Settings) -> Sources:
    """All of them. The file was read before, with the settings."""
    file = _file(settings)
    by_name: dict[str, Source] = {each.name: source_of(each, client_of, settings.gateway_job) for each in file.sources}
    plain = of_settings(settings)
    if plain is not None:
        by_name[""] = source_of(plain, client_of, settings.gateway_job)
    elif file.default is not None:
        by_name[""] = by_name[file.default]
    return Sources(by_name)


def of_settings(settings: Settings) -> SourceDefinition | None:
    """The source that the plain settings define."""
    if not settings.prometheus_url:
        return None
    return SourceDefinition(
        name=SETTINGS_SOURCE,
        url=settings.prometheus_url,
        token_file=settings.prometheus_token_file,
        ca_file=settings.prometheus_ca_file,
    )


def gateway(settings: Settings) -> SourceDefinition | None:
    """The default source, if a gateway is counted there."""
    file = _file(settings)
    default = next((each for each in file.sources if each.name == file.default), None)
    found = of_settings(settings) or default
    return found if found is not None and found.preset == "EnvoyGateway" else None


def _file(settings: Settings) -> SourceFile:
    return source_file.read(settings.sources_file) if settings.sources_file else SourceFile()

"""The commands that show something: `watch` and `history`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import Namespace
from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live as Screen
from rich.text import Text

from perennial.cli.acting import find
from perennial.cli.ending import DONE
from perennial.cli.reading import Reader
from perennial.cli.view.frame import frame
from perennial.cli.view.lines import line
from perennial.cli.view.past import history
from perennial.cli.view.plain import in_ascii
from perennial.cli.view.scene import Scene
from perennial.ports.kube import KubeClient

READ_SECONDS, DRAW_SECONDS = 2.0, 1.0


async def look(kube: KubeClient, options: Namespace) -> int:
    """Show it; the exit code. Raises Refused and KubeError."""
    console = Console(highlight=False, soft_wrap=True)
    seen = await find(kube, options.namespace, options.name)
    if options.command == "history":
        now = datetime.now(UTC)
        rows = history(Scene(seen, now, now), max(console.width, 60), 200)
        _print(console, rows or [Text(f"No rollout of {seen.name} is over yet.")])
        return DONE
    reader = Reader(kube, options.namespace, options.name, options.operator_namespace)
    await reader.first()
    if options.once:
        _print(console, frame(reader.scene(), console.width, None))
    elif console.is_terminal:
        await _follow(console, reader)
    else:
        await _tell(console, reader)
    return DONE


def _print(console: Console, lines: Iterable[Text]) -> None:
    for each in lines:
        each.rstrip()
        console.print(_encodable(console, each))


def _encodable(console: Console, text: Text) -> Text:
    return in_ascii(text) if console.options.ascii_only else text


async def _follow(console: Console, reader: Reader) -> None:
    """Draw until Ctrl-C, on a screen of its own, which gives the terminal back as it was."""
    resized = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, resized.set)
    with Screen(console=console, screen=True, auto_refresh=False) as screen:
        reading = asyncio.ensure_future(_read_on(reader))
        try:
            while not reading.done():
                lines = frame(reader.scene(), console.width, console.height)
                screen.update(Group(*(_encodable(console, each) for each in lines)), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAW_SECONDS):
                        await resized.wait()
                resized.clear()
        finally:
            reading.cancel()
    reading.result()


async def _read_on(reader: Reader) -> None:
    while True:
        await asyncio.sleep(READ_SECONDS)
        await reader.read()


async def _tell(console: Console, reader: Reader) -> None:
    """A line whenever something changed, for logs."""
    last = ""
    while True:
        scene = reader.scene()
        told = line(scene)
        if told != last:
            console.print(_encodable(console, Text(f"{scene.now:%Y-%m-%dT%H:%M:%SZ} {told}")))
            last = told
        if scene.seen is None:
            return
        await asyncio.sleep(READ_SECONDS)
        await reader.read()

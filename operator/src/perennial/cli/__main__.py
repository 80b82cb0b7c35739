"""`kubectl perennial`: the entry point, and how what goes wrong is told."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence

from perennial.cli import arguments, ending
from perennial.cli.acting import act
from perennial.cli.ownership import Refused
from perennial.cli.telling import problem
from perennial.ports.kube import ConfigurationError, KubeClient, KubeError
from perennial.ports.kubeconfig import namespace_of

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code (`perennial.cli.ending`)."""
    options = arguments.parser().parse_args(argv)
    try:
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Refused, ConfigurationError) as error:
        print(error, file=sys.stderr)
    except KubeError as error:
        print(problem(error, options.command, options.namespace), file=sys.stderr)
    return ending.FAILED


async def _run(options: Namespace) -> int:
    if options.command == "__complete":
        from perennial.cli.completion import complete

        return await complete(options.words)
    options.namespace = options.namespace or namespace_of(options.kubeconfig, options.context)
    kube = await KubeClient.connect(kubeconfig=options.kubeconfig, context=options.context)
    try:
        return await _carry_out(kube, options)
    finally:
        await kube.close()


async def _carry_out(kube: KubeClient, options: Namespace) -> int:
    if options.command in arguments.ACTIONS:
        return await act(kube, options)
    try:
        # What draws is imported by the commands that draw only: the others work without it.
        from perennial.cli.looking import look
    except ModuleNotFoundError as error:
        raise Refused(f"To draw it {error.name} is needed: pip install 'perennial-operator[cli]'.") from error
    return await look(kube, options)


if __name__ == "__main__":
    sys.exit(main())

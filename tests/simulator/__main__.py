# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the simulator: `python tests/simulator --port 8787`."""

from __future__ import annotations

import shlex
import signal
import socket
import sys

import options


def main(arguments: list[str]) -> int:
    try:
        parsed = options.parsed(arguments)
        listener = socket.create_server((parsed.host, parsed.port))
    except (ValueError, OSError) as error:
        print(f'simulator: {error}', file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_signal: sys.exit(0))
    # Imported here so that --help and a wrong option answer at once.
    from aiohttp import web

    from app import Simulation, application
    from contract import BASE

    def announce(_banner: str) -> None:
        environment = {
            'CLOUDFLARE_BASE_URL': f'http://{parsed.host}:{listener.getsockname()[1]}{BASE}',
            'CLOUDFLARE_ACCOUNT_ID': parsed.account,
            'CLOUDFLARE_API_TOKEN': parsed.token,
        }
        print('export', *(f'{name}={shlex.quote(value)}' for name, value in environment.items()), flush=True)

    simulation = Simulation(arguments)
    web.run_app(application(simulation), sock=listener, print=announce, access_log=None, shutdown_timeout=0.5)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

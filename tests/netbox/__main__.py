# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/netbox`: a real NetBox on loopback, until it gets SIGINT or SIGTERM.

The first line on stdout comes when it answers: paste it into a shell, and netbox.netbox talks to this NetBox. With --write it takes the
pictures of docs/netbox.md instead.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests'), str(ROOT / '.build')]

from netbox.install import PASSWORD, USER  # noqa: E402
from netbox.server import NetBox  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--port', type=int, default=0, help='where to listen; 0 picks a free one')
    parser.add_argument('--write', action='store_true', help='take the pictures of docs/netbox.md')
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with NetBox(arguments.port) as netbox:
            if arguments.write:
                write_pictures(netbox)
                return
            print('export', *(f'{name}={value}' for name, value in netbox.environment_of_clients.items()), flush=True)
            print(f'{netbox.url} in a browser: user {USER}, password {PASSWORD}', flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass


def write_pictures(netbox: NetBox) -> None:
    from netbox import pictures  # needs more than NetBox itself does

    with tempfile.TemporaryDirectory() as folder:
        pictures.take(netbox, Path(folder))


if __name__ == '__main__':
    main()

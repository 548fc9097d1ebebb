# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NetBox on loopback: `with NetBox() as netbox` it serves netbox.url."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import requests
from netbox.install import CLUSTER, COMMANDS, KEY, SECRET, install
from netbox.services import Services, until

WORKERS = 2


class NetBox(Services):
    """As it comes from PyPI, with an empty database: one user, `admin`, whose token may do everything.

    `environment_of_clients` holds the variables that netbox.netbox reads.
    """

    token = f'nbt_{KEY}.{SECRET}'

    def __init__(self, port: int = 0):
        install()
        super().__init__(CLUSTER)
        self.port = port or _free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.environment_of_clients = {'NETBOX_API': self.url, 'NETBOX_TOKEN': self.token}

    def _begin(self) -> None:
        super()._begin()
        self.serve()

    def serve(self) -> None:
        """Starts the web server; returns when it answers."""
        log = ['--access-logfile', self.folder / 'requests', '--access-logformat', '%(m)s %(U)s %(s)s']
        self._server = self.start(
            COMMANDS / 'gunicorn', '--bind', f'127.0.0.1:{self.port}', '--workers', WORKERS, '--timeout', 300, '--preload', *log,
            '--no-control-socket', '--pythonpath', Path(__file__).parent, 'wsgi',
        )
        until(self._answers, 'NetBox answers')

    def kill(self) -> None:
        """Ends the web server at once, in the middle of whatever it does. The database stays."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def requests(self) -> list[tuple[str, str, int]]:
        """(method, path, status) of all requests since it was started, in order of the answers."""
        lines = [line.split() for line in (self.folder / 'requests').read_text().splitlines()]
        return [(method, path, int(status)) for method, path, status in lines]

    def _answers(self) -> bool:
        if self._server.poll() is not None:
            raise RuntimeError((self.folder / 'gunicorn.log').read_text())
        try:
            with requests.Session() as session:
                session.trust_env = False
                return session.get(f'{self.url}/api/status/', headers={'Authorization': f'Bearer {self.token}'}, timeout=20).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]

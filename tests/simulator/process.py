# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a process of its own, for tests and demos. Standard library only."""

from __future__ import annotations

import json
import pathlib
import shlex
import subprocess
import sys
import urllib.error
import urllib.request

WAIT = 180  # seconds for what another process does: it ends sooner, but on a busy machine a playbook may take long


class Simulator:
    """A running simulator: `with Simulator("--slots", "8") as simulator: ...`.

    `environment` holds the variables that the collection reads: CLOUDFLARE_BASE_URL, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN.
    Methods raise RuntimeError with the simulator's words where it refuses.
    """

    def __init__(self, *arguments: str):
        command = [sys.executable, str(pathlib.Path(__file__).parent), '--port', '0', *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            self.environment = self._announced()
        except BaseException:  # an interrupt while it starts, too, must not leave it running
            self.stop()
            raise
        self.url = self.environment['CLOUDFLARE_BASE_URL']
        self.account = self.environment['CLOUDFLARE_ACCOUNT_ID']
        self.token = self.environment['CLOUDFLARE_API_TOKEN']

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """End the process; returns its exit status."""
        self._process.terminate()
        self._process.stdout.close()
        return self._process.wait(timeout=WAIT)

    def _announced(self) -> dict[str, str]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'the simulator did not start, status {self._process.wait()}')
        return dict(word.split('=', 1) for word in shlex.split(line)[1:])

    def reset(self, **options) -> None:
        """Forget everything; options by name (`page_size=2`) hold until the next reset."""
        self._control('reset', options)

    def state(self) -> dict:
        """`{slots, interconnects, cnis, settings, tunnels, routes, filter_profiles, webhooks, policies, pagerduty, alerts}`.

        Lists of objects; settings is one object.
        """
        return self._control('state')

    def requests(self, until: int = 0) -> list[dict]:
        """Every API request since the last reset: `{method, path, query, body, status, applied}`. until: waits for so many."""
        return self._control(f'requests?until={until}')['requests']

    def seed(self, **lists) -> None:
        """Put lists of the shape of state() in place of the stored ones."""
        self._control('seed', lists)

    def set_status(self, name: str, state: str, reason: str | None = None) -> None:
        """Override the status of an interconnect."""
        self._control('status', {'name': name, 'state': state, 'reason': reason})

    def set_traffic(self, name: str, bits_in: int | None = None, bits_out: int | None = None) -> None:
        """Set what the tunnel of an interconnect carries; None is no row."""
        self._control('traffic', {'name': name, 'bits_in': bits_in, 'bits_out': bits_out})

    def alert(self, alert_type: str, text: str, **fields) -> None:
        """Send an alert to whom the policies say: data, alert_event, sent (a time in the past), deliver (False: into the history only)."""
        self._control('alerts', {'alert_type': alert_type, 'text': text, **fields})

    def fault(self, kind: str, **fields) -> None:
        """Let requests go wrong: method, path (regex), after, times, status, headers, body, delay (ms), size, retry_at, applied."""
        self._control('faults', {'kind': kind, **fields})

    def end_faults(self) -> None:
        """Let requests go right again."""
        self._control('faults', method='DELETE')

    def _control(self, name: str, body: dict | None = None, method: str | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        headers = {'Content-Type': 'application/json'} if data else {}
        url = f'{self.url.removesuffix("/client/v4")}/_sim/{name}'
        # A proxy of the environment is not for loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(url, data, headers, method=method), timeout=WAIT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)['error']) from error

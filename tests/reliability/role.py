# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role does with a circuit, from nothing to nothing: the playbooks' runs, and the module calls and requests they consist of."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
from playbook import Account, Run
from reliability.matrix import MD5_KEY, SLOT, Call, Scenario, stored
from simulator.process import Simulator

CIRCUIT = 'nyc-1'
NEW = {
    'provision_slot': SLOT, 'provision_bgp': {'customer_asn': 64512, 'md5_key': MD5_KEY}, 'provision_bgp_mode': 'advertise_only',
    'provision_health_check': {'rate': 'high'}, 'provision_default_asn': 65000,
}
CHANGED = {
    **NEW, 'provision_mtu': 1400, 'provision_description': 'changed', 'provision_health_check': {'rate': 'low'},
    'provision_bgp': {**NEW['provision_bgp'], 'extra_prefixes': ['192.0.2.0/24']}, 'provision_default_asn': 65001,
}
REPLACED = {**CHANGED, 'provision_slot': {**SLOT, 'speed': '100G'}, 'provision_on_immutable': 'replace'}

# What is done: (playbook, variables of the circuit's host, arguments). Each starts from what the one before has left.
JOURNEYS = {
    'provision, new': ('provision', NEW, ()),
    'provision, changed': ('provision', CHANGED, ()),
    'provision, replaced': ('provision', REPLACED, ()),
    'decommission': ('decommission', {}, ('--limit', CIRCUIT)),
}

RECORDER = Path(__file__).parent / 'callbacks'
CONNECTION = {'api_token', 'account_id', 'api_url', 'timeout', 'retry_timeout', 'requests_per_window', 'validate_certs'}


@dataclass(frozen=True)
class Journey:
    """A run that nobody disturbed. state, files: what it started from. left: what there was after it."""

    name: str
    state: dict
    files: dict[str, bytes]
    calls: tuple[Call, ...]
    methods: list[str]
    left: dict[str, Any]


@dataclass
class Yard:
    """A simulated account, and a folder for what the playbooks write."""

    simulator: Simulator
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.account = Account(self.simulator, Path(tempfile.mkdtemp()))

    def arguments(self, journey: str) -> tuple:
        """The arguments of Account.play and Account.command."""
        playbook, variables, arguments = JOURNEYS[journey]
        return playbook, {CIRCUIT: variables}, *arguments

    def start(self, state: dict, files: dict[str, bytes]) -> None:
        """Puts account and files in place."""
        self.simulator.reset()
        self.simulator.seed(**state)
        for file in self.account.files.glob('*'):
            file.unlink()
        if files:  # the first kill of a sample may be one of a journey that begins with files
            self.account.files.mkdir(mode=0o700, exist_ok=True)
        for file, content in files.items():
            (self.account.files / file).write_bytes(content)

    def files(self) -> dict[str, bytes]:
        """{name: content} of what the playbooks have written."""
        return {file.name: file.read_bytes() for file in self.account.files.glob('*')}

    def left(self) -> dict[str, Any]:
        """What is stored and on disk; the port that the files speak of is to be the one that there is."""
        files, ports = self.files(), [port['name'] for port in self.simulator.state()['interconnects']]
        left = {**stored(self.simulator), 'files': sorted(files)}
        if f'{CIRCUIT}.json' in files:
            left['hand-over is of the port'] = json.loads(files[f'{CIRCUIT}.json'])['interconnect']['name'] in ports
        if f'{CIRCUIT}-loa.pdf' in files:
            text = pypdf.PdfReader(io.BytesIO(files[f'{CIRCUIT}-loa.pdf'])).pages[0].extract_text()
            left['letter is of the port'] = any(port in text for port in ports)
        return left

    def record(self) -> list[Journey]:
        """Runs the journeys, one after the other."""
        self.simulator.reset()
        journeys, calls = [], self.account.folder / 'calls'
        recording = {'ANSIBLE_CALLBACK_PLUGINS': str(RECORDER), 'ANSIBLE_CALLBACKS_ENABLED': 'recorder', 'RECORDER_FILE': str(calls)}
        for name in JOURNEYS:
            state, files = self.simulator.state(), self.files()
            self.start(state, files)
            calls.write_text('')
            run = self.account.play(*self.arguments(name), **recording)
            journeys.append(self._journey(name, state, files, run, calls.read_text().splitlines()))
        return journeys

    def _journey(self, name: str, state: dict, files: dict[str, bytes], run: Run, lines: list[str]) -> Journey:
        assert run.status == 0, run.output
        ports = {port['name'] for port in [*state['interconnects'], *self.simulator.state()['interconnects']]}
        stands = {**dict.fromkeys(ports, f'{{{CIRCUIT}}}'), str(self.account.files): '{folder}'}
        calls = tuple(_call(json.loads(line), stands) for line in lines)
        return Journey(name, state, files, calls, [request['method'] for request in run.sent], self.left())


def scenarios(journeys: Iterable[Journey]) -> list[Scenario]:
    """For each call of each journey, what comes before it, and the whole that a second run does."""
    found, before = [], ()
    for journey in journeys:
        found += [
            Scenario(f'role, {journey.name}, {number + 1}. {call.module}', (call,), before + journey.calls[:number], whole=journey.calls)
            for number, call in enumerate(journey.calls)
        ]
        before += journey.calls
    return found


def _call(line: dict, stands: dict[str, str]) -> Call:
    """The recorded call with braces for what differs from run to run, and with the secret that the record hides."""
    options = _said({name: value for name, value in line['options'].items() if name not in CONNECTION})
    if 'md5_key' in options.get('bgp', {}):
        options['bgp']['md5_key'] = MD5_KEY
    text = json.dumps(options)
    for told, brace in stands.items():
        text = text.replace(told, brace)
    return Call(line['module'], json.loads(text), line['check'])


def _said(options: dict) -> dict:
    return {name: _said(value) if isinstance(value, dict) else value for name, value in options.items() if value is not None}

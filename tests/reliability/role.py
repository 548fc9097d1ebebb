# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role does with a circuit, from nothing to nothing, and the module calls that it makes of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from playbook import Account
from reliability.matrix import MD5_KEY, SLOT, Call, Scenario
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


def scenarios(simulator: Simulator) -> list[Scenario]:
    """For each call of each journey, as seen in a run of the playbook, what comes before it and the whole that a rerun does."""
    simulator.reset()
    account, found, before = Account(simulator, Path(tempfile.mkdtemp())), [], ()
    for name, (playbook, variables, arguments) in JOURNEYS.items():
        calls = _recorded(account, playbook, variables, arguments)
        found += [Scenario(f'role, {name}, {number + 1}. {call.module}', (call,), before + calls[:number], whole=calls)
                  for number, call in enumerate(calls)]
        before += calls
    return found


def _recorded(account: Account, playbook: str, variables: dict, arguments: tuple[str, ...]) -> tuple[Call, ...]:
    file = account.folder / 'calls'
    file.write_text('')
    ports = set(_ports(account))
    run = account.play(playbook, {CIRCUIT: variables}, *arguments, ANSIBLE_CALLBACK_PLUGINS=str(RECORDER),
                       ANSIBLE_CALLBACKS_ENABLED='recorder', RECORDER_FILE=str(file))
    assert run.status == 0, run.output
    ports.update(_ports(account))
    return tuple(_call(json.loads(line), ports, account.files) for line in file.read_text().splitlines())


def _ports(account: Account) -> list[str]:
    return [port['name'] for port in account.simulator.state()['interconnects']]


def _call(line: dict, ports: set[str], folder: Path) -> Call:
    """The recorded call with braces for what differs from run to run, and with the secret that the record hides."""
    options = _said({name: value for name, value in line['options'].items() if name not in CONNECTION})
    if 'md5_key' in options.get('bgp', {}):
        options['bgp']['md5_key'] = MD5_KEY
    text = json.dumps(options)
    for told, stands in {**dict.fromkeys(ports, f'{{{CIRCUIT}}}'), str(folder): '{folder}'}.items():
        text = text.replace(told, stands)
    return Call(line['module'], json.loads(text), line['check'])


def _said(options: dict) -> dict:
    return {name: _said(value) if isinstance(value, dict) else value for name, value in options.items() if value is not None}

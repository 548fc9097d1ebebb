# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's playbooks, run by ansible-playbook against a simulated account."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import requests
from simulator.process import Simulator
from support import ansible_runs
from support.ansible_runs import SETTINGS

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook left. sent: the requests that it made."""

    status: int
    output: str
    sent: list[dict]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """(method, resource) of the requests that write: /client/v4/accounts/ID/cni/RESOURCE."""
        return [(request['method'], request['path'].split('/')[6]) for request in self.sent
                if request['method'] != 'GET' and not request['path'].endswith('/graphql')]

    @property
    def changed(self) -> set[tuple[str, str]]:
        """(task, host) of what is reported as changed."""
        tasks = re.split(r'^TASK \[(?:\S+ : )?(.*)\] \**$', self.output, flags=re.MULTILINE)[1:]
        hosts = [re.findall(r'^changed: \[(.*?)\]', text, re.MULTILINE) for text in tasks[1::2]]
        return {(task, host) for task, changed in zip(tasks[::2], hosts, strict=True) for host in changed}


class Account:
    """A simulated account with a folder for files, and circuits as the hosts of an inventory."""

    def __init__(self, simulator: Simulator, folder: Path):
        self.simulator, self.folder, self.files = simulator, folder, folder / 'files'

    def play(self, name: str, hosts: dict[str, dict], *arguments: str, **environment: str) -> Run:
        """Runs a playbook of the collection to its end."""
        before = len(self.simulator.requests())
        command = self.command(name, hosts, *arguments, **environment)
        done = ansible_runs.run('ansible-playbook', *command['args'][1:], env=command['env'], cwd=self.folder, merged=True)
        return Run(done.returncode, done.stdout, self.simulator.requests()[before:])

    def command(self, name: str, hosts: dict[str, dict], *arguments: str, **environment: str) -> dict:
        """{args, env} that run a playbook of the collection, or one by its path. What starts with !unsafe is data and no template."""
        variables = {'provision_artifacts_dir': str(self.files)}
        inventory = self.folder / 'inventory.yml'
        text = json.dumps({'circuits': {'hosts': hosts, 'vars': variables}})
        inventory.write_text(text.replace('"!unsafe ', '!unsafe "'))
        playbook = name if name.endswith('.yml') else f'netops.cloudflare_cni.{name}'
        command = [Path(sys.executable).with_name('ansible-playbook'), '-i', inventory, playbook, *arguments]
        return {'args': command, 'env': self.environment | environment}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that Ansible needs to find the collection and the simulator, and none of the user's own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('ANSIBLE_', 'CLOUDFLARE_'))}
        return kept | SETTINGS | self.simulator.environment

    def circuits(self) -> dict[str, dict]:
        """{conduit name: {cni, interconnect}} as stored."""
        state = self.simulator.state()
        ports = {port['name']: port for port in state['interconnects']}
        return {cni['magic']['conduit_name']: {'cni': cni, 'interconnect': ports[cni['interconnect']]} for cni in state['cnis']}

    def order(self, slot_id: str) -> str:
        """Orders a port without Ansible and returns its name."""
        return self._post('interconnects', {'type': 'direct', 'slot_id': slot_id})['name']

    def seed(self, name: str, slot_id: str, **fields: object) -> str:
        """Makes a circuit without Ansible and returns the name of its port."""
        port = self.order(slot_id)
        self._post('cnis', {'interconnect': port, 'magic': {'conduit_name': name, 'description': '', 'mtu': 1500}, **fields})
        return port

    def hand_over(self, name: str, file: Path) -> None:
        """Writes what the role provision hands over of a circuit for the router, under the name of the file."""
        cni = self.circuits()[name]['cni']
        customer, cloudflare = (cni[end].split('/')[0] for end in ('cust_ip', 'p2p_ip'))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({
            'format': 1, 'name': file.stem, 'description': cni['magic']['description'],
            'link': {'customer_address': customer, 'cloudflare_address': cloudflare, 'prefix_length': 31, 'mtu': cni['magic']['mtu']},
            'bgp': (bgp := cni.get('bgp')) and {
                'customer_asn': bgp['customer_asn'], 'cloudflare_asn': 13335, 'extra_prefixes': bgp['extra_prefixes'],
                'md5_key': 'set' if bgp['md5_key'] else 'not set', 'hold_time': 240, 'keepalive': 80,
            },
        }))

    def _post(self, kind: str, body: dict) -> dict:
        with requests.Session() as session:
            session.trust_env = False
            session.headers['Authorization'] = f'Bearer {self.simulator.token}'
            url = f'{self.simulator.url}/accounts/{self.simulator.account}/cni/{kind}'
            answer = session.post(url, json={'account': self.simulator.account, **body})
        answer.raise_for_status()
        made = answer.json()
        return made['result'] if 'success' in made else made

    def remaining(self) -> tuple[list, list, list[str]]:
        """CNIs and interconnects as stored, and the names of the files."""
        state = self.simulator.state()
        return state['cnis'], state['interconnects'], sorted(file.name for file in self.files.glob('*'))

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engineer has in front of them: a NetBox, an account, and the playbooks between the two."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pynetbox
import requests
from netbox.server import NetBox
from simulator.process import Simulator
from support.playbook import ROOT, Account, Run

# netbox.netbox is beside awx.awx.
COLLECTIONS = os.pathsep.join([str(ROOT / '.build'), str(ROOT / '.build' / 'awx')])


class Desk(Account):
    """A NetBox with what is the same for every network, a simulated account, and a folder."""

    def __init__(self, netbox: NetBox, simulator: Simulator, folder: Path):
        super().__init__(simulator, folder)
        self.netbox = netbox
        self.api = pynetbox.api(netbox.url, token=netbox.token)
        self.api.http_session = requests.Session()
        self.api.http_session.trust_env = False

    def clear(self) -> None:
        """Leaves nothing in NetBox but what playbooks and tests make once."""
        for kind in (self.api.circuits.circuit_terminations, self.api.circuits.circuits, self.api.circuits.circuit_groups,
                     self.api.ipam.ip_addresses, self.api.ipam.prefixes):
            if found := list(kind.all()):
                kind.delete(found)

    def without_fields(self) -> None:
        """As it was before the first run of netbox_fields."""
        for kind in (self.api.extras.custom_fields, self.api.extras.custom_field_choice_sets, self.api.extras.tags):
            if found := list(kind.all()):
                kind.delete(found)

    def prepare(self) -> None:
        """Runs netbox_fields unless it has been run, and makes what a network has anyway: a provider, a site, provider networks."""
        if not self.api.extras.tags.get(slug='cloudflare-cni'):
            done = self.run('netbox_fields')
            assert done.status == 0, done.output
        if not self.api.circuits.providers.get(slug='cloudflare'):
            self.api.circuits.providers.create(name='Cloudflare', slug='cloudflare')
            self.api.circuits.circuit_types.create(name='Network Interconnect', slug='network-interconnect')
            self.api.dcim.sites.create(name='New York 1', slug='nyc1')
            for place in ('ewr-a', 'lhr-a'):
                self.api.circuits.provider_networks.create(name=f'Cloudflare {place}', provider={'slug': 'cloudflare'}, service_id=place)

    def circuit(self, cid: str, status: str = 'planned', place: str = 'ewr-a', **fields: Any) -> int:
        """Makes a circuit from the site to Cloudflare as a person would and returns its id. fields: custom fields too."""
        custom = {name: fields.pop(name) for name in list(fields) if name.startswith('cni_')}
        made = self.api.circuits.circuits.create(
            cid=cid, provider={'slug': 'cloudflare'}, type={'slug': 'network-interconnect'}, status=status, commit_rate=10_000_000,
            tags=[{'slug': 'cloudflare-cni'}], custom_fields=custom, **fields,
        )
        ends = [('A', 'dcim.site', self.api.dcim.sites.get(slug='nyc1')),
                ('Z', 'circuits.providernetwork', self.api.circuits.provider_networks.get(service_id=place))]
        self.api.circuits.circuit_terminations.create(
            [{'circuit': made.id, 'term_side': side, 'termination_type': kind, 'termination_id': at.id} for side, kind, at in ends])
        return made.id

    def fleet(self, count: int) -> None:
        """Circuits that are Healthy at Cloudflare, of which NetBox has no more than the names."""
        free = [slot['id'] for slot in self.simulator.state()['slots'] if not slot['occupied'] and slot['speed'] == '10G'][:count]
        for number, slot in enumerate(free, 1):
            self.seed(f'NYC-{number}', slot)
        site = self.api.dcim.sites.get(slug='nyc1').id
        made = self.api.circuits.circuits.create([
            {'cid': name, 'provider': {'slug': 'cloudflare'}, 'type': {'slug': 'network-interconnect'}, 'status': 'active',
             'tags': [{'slug': 'cloudflare-cni'}], 'custom_fields': {'cni_name': name}} for name in self.circuits()])
        self.api.circuits.circuit_terminations.create([
            {'circuit': circuit.id, 'term_side': 'A', 'termination_type': 'dcim.site', 'termination_id': site, 'xconnect_id': circuit.cid}
            for circuit in made])

    def stored(self, cid: str) -> dict:
        """A circuit as NetBox has it, in short: status and custom fields side by side, of choices the value."""
        found = dict(self.api.circuits.circuits.get(cid=cid))
        fields = {'status': found['status'], **found['custom_fields']}
        return {name: value['value'] if isinstance(value, dict) and 'value' in value else value for name, value in fields.items()}

    def journal(self, cid: str) -> list[str]:
        """What the journal of a circuit says, the oldest entry first."""
        number = self.api.circuits.circuits.get(cid=cid).id
        entries = self.api.extras.journal_entries.filter(assigned_object_type='circuits.circuit', assigned_object_id=number)
        return [entry.comments for entry in sorted(entries, key=lambda entry: entry.id)]

    def last_change(self) -> int:
        """The id of the newest entry of NetBox's change log."""
        return max((entry.id for entry in self.api.core.object_changes.filter(limit=1, offset=0, ordering='-id')), default=0)

    def changes(self, since: int) -> list[tuple[str, str]]:
        """(what was done, kind of object) of each entry of the change log after that one."""
        return [(entry.action.value, entry.changed_object_type) for entry in self.api.core.object_changes.filter(id__gt=since)]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in super().environment.items() if not name.startswith('NETBOX_')}
        return kept | self.netbox.environment_of_clients | {'ANSIBLE_COLLECTIONS_PATH': COLLECTIONS}

    def start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen:
        """Starts a playbook of the collection; its output is one pipe."""
        command = [Path(sys.executable).with_name('ansible-playbook'), f'netops.cloudflare_cni.{name}', *arguments]
        return subprocess.Popen(command, env=self.environment | environment, cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, name: str, *arguments: str, **environment: str) -> Run:
        """Runs a playbook of the collection to its end."""
        before, process = len(self.simulator.requests()), self.start(name, *arguments, **environment)
        output = process.communicate()[0]
        return Run(process.returncode, output, self.simulator.requests()[before:])

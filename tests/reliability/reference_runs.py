# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks and the role do with a pair of circuits, from nothing to nothing: runs that nobody disturbs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reliability.matrix import MD5_KEY, SLOT, contents, files_in, stored
from simulator.process import Simulator
from support.playbook import ROOT, Account

NEW = {
    'provision_slot': SLOT, 'provision_bgp': {'customer_asn': 64512, 'md5_key': MD5_KEY}, 'provision_bgp_mode': 'advertise_only',
    'provision_health_check': {'rate': 'high'}, 'provision_default_asn': 65000,
    'provision_routes': [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16', 'priority': 200}],
}
CHANGED = {
    **NEW, 'provision_mtu': 1400, 'provision_description': 'changed', 'provision_health_check': {'rate': 'low'},
    'provision_bgp': {**NEW['provision_bgp'], 'extra_prefixes': ['192.0.2.0/24']}, 'provision_default_asn': 65001,
    'provision_loa_name': 'Example Networks', 'provision_routes': [{'prefix': '10.20.0.0/16', 'weight': 7}, {'prefix': '10.40.0.0/16'}],
}
REPLACED = {**CHANGED, 'provision_slot': {**SLOT, 'speed': '100G'}, 'provision_on_immutable': 'replace'}
SECOND = {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}}
BESIDE = {'provision_slot': {**SLOT, 'speed': '100G'}}  # of no slot that nyc-1 could have: each host of the role runs for itself

# What is done: (playbook, or a play by its path; {host: variables}; arguments). Each starts from what the one before has left.
PAIR = 'provision, new'
RUNS = {
    PAIR: ('provision', {'nyc-1': NEW, 'nyc-2': SECOND}, ()),
    'provision, changed': ('provision', {'nyc-1': CHANGED}, ()),
    'provision, replaced': ('provision', {'nyc-1': REPLACED}, ()),
    'rollout, overridden': ('rollout', {'nyc-1': REPLACED}, ('-e', 'rollout_state=overridden', '-e', 'rollout_max_deletes=1')),
    'decommission': ('decommission', {'nyc-1': REPLACED}, ('--limit', 'nyc-1')),
    'role, new': (str(ROOT / 'tests/benchmark/plays/role.yml'), {'nyc-1': NEW, 'nyc-2': BESIDE}, ()),
    'rollout, absent': ('rollout', {name: {'provision_state': 'absent', 'provision_routes': []} for name in ('nyc-1', 'nyc-2')},
                        ('-e', 'rollout_max_deletes=2')),
}


@dataclass(frozen=True)
class ReferenceRun:
    """A run that nobody disturbed. state, files: what it started from. after: what there was after it."""

    name: str
    state: dict
    files: dict[str, bytes]
    methods: list[str]
    after: dict[str, Any]

    @property
    def second_slot(self) -> str | None:
        """The slot of nyc-2."""
        return next((link['interconnect'] for link in self.after['links'] if link['magic']['conduit_name'] == 'nyc-2'), None)


@dataclass
class Sandbox:
    """A simulated account, and a folder for what the playbooks write."""

    simulator: Simulator
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.account = Account(self.simulator, Path(tempfile.mkdtemp()))

    def arguments(self, reference: str) -> tuple:
        """The arguments of Account.play and Account.command."""
        playbook, hosts, arguments = RUNS[reference]
        return playbook, hosts, *arguments

    def start(self, state: dict, files: dict[str, bytes]) -> None:
        """Puts account and files in place."""
        self.simulator.reset()
        self.simulator.seed(**state)
        for file in self.account.files.glob('*'):
            file.unlink()
        if files:  # the first kill of a sample may be one of a reference that begins with files
            self.account.files.mkdir(mode=0o700, exist_ok=True)
        for file, content in files.items():
            (self.account.files / file).write_bytes(content)

    def snapshot(self) -> dict[str, Any]:
        """What is stored and on disk, without what differs from run to run."""
        return {**stored(self.simulator), 'files': contents(self.account.files, self.simulator.state())}

    def ordered_second_alone(self, reference: ReferenceRun) -> bool:
        """Whether only the second circuit has its port, and no file says whose it is: then the next run gives it to the first one."""
        state = self.simulator.state()
        slots = [port['slot_id'] for port in state['interconnects']]
        return reference.name == PAIR and slots == [reference.second_slot] and not state['cnis'] and not files_in(self.account.files)

    def exchanged(self, reference: ReferenceRun) -> dict[str, Any]:
        """What is left of a pair whose second port was ordered, and not recorded, by a run that was killed."""
        self.start(reference.state, reference.files)
        ordered = self.account.play('provision', {'nyc-2': {'provision_slot_id': reference.second_slot}}, '--tags', 'interconnect')
        assert ordered.status == 0, ordered.output
        self.start(self.simulator.state(), {})
        run = self.account.play(*self.arguments(reference.name))
        assert run.status == 0, run.output
        return self.snapshot()

    def record(self) -> list[ReferenceRun]:
        """Makes the runs, one after the other."""
        self.simulator.reset()
        runs = []
        for name in RUNS:
            state, files = self.simulator.state(), files_in(self.account.files)
            self.start(state, files)
            run = self.account.play(*self.arguments(name))
            assert run.status == 0, run.output
            runs.append(ReferenceRun(name, state, files, [request['method'] for request in run.sent], self.snapshot()))
        return runs

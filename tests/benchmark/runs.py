# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the variants on one simulator, measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from support.playbook import Account

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATES = ('from nothing', 'converged')
TASKS = 100  # hosts of the play that compares single tasks
SHORT = 30  # seconds; what takes longer is run once
FILES = 3  # of a circuit: LOA, hand-over for people, hand-over for programs
ROUTES = 4  # of a circuit, where it has any
ROUTED = f'module rollout, {ROUTES} routes each'
UNPACED = 'module_defaults: {group/netops.cloudflare_cni.all: {requests_per_window: 1000000}}'

Command = Callable[[Account, dict], dict]


@dataclass(frozen=True)
class Sample:
    """One run. wall, cpu: seconds, cpu with all children; memory: MB of its largest process; simulator: seconds of the simulator's CPU."""

    variant: str
    circuits: int
    latency: int
    state: str
    wall: float
    cpu: float
    memory: float
    requests: int
    simulator: float


@dataclass(frozen=True)
class Variant:
    """A way to bring circuits about. second_runs: what runs on the circuits when they are there, by its column.

    files: whether it writes LOAs and hand-overs. routes: of each circuit.
    slow: no more than 100 circuits, without latency, and once where that takes long.
    """

    command: Command
    second_runs: dict[str, Command]
    files: bool = True
    routes: int = 0
    slow: bool = False

    def takes(self, size: int, latency: int) -> bool:
        return not self.slow or (size <= 100 and not latency)


def play(name: str, *arguments: str) -> Command:
    return lambda account, hosts: account.command(str(HERE / f'plays/{name}.yml'), hosts, *arguments)


def playbook(name: str) -> Command:
    """A playbook of the collection, but for the pace of Cloudflare's 1,200 requests in 300 s, which no other variant keeps."""
    def command(account: Account, hosts: dict) -> dict:
        folder, last = account.folder / 'playbooks', '  gather_facts: false\n'
        shutil.copytree(ROOT / 'playbooks', folder, dirs_exist_ok=True)
        copy = folder / f'{name}.yml'
        copy.write_text(copy.read_text().replace(last, f'{last}  {UNPACED}\n'))
        return account.command(str(copy), hosts)
    return command


def script(account: Account, hosts: dict) -> dict:
    command = account.command('none', hosts)
    return {**command, 'args': [sys.executable, str(HERE / 'sdk.py'), str(account.folder / 'inventory.yml')]}


def variant(name: str, command: Command, **more: Any) -> tuple[str, Variant]:
    return name, Variant(command, {name: command}, **more)


VARIANTS: dict[str, Variant] = dict((
    variant('provision', playbook('provision')),
    variant('role', play('role'), slow=True),
    variant('module rollout', play('rollout'), files=False),
    variant(ROUTED, play('rollout'), files=False, routes=ROUTES),
    ('uri', Variant(play('uri'), {'uri': play('uri'), 'uri, lists read once': play('uri', '-e', 'once=true')}, slow=True)),
    variant('SDK script', script),
))
COLUMNS = [column for variant in VARIANTS.values() for column in variant.second_runs]
SINGLE = {name: play('tasks', '--tags', name) for name in ('empty', 'interconnect', 'interconnect_info', 'uri')}
DEMO = 'make demo'


class Bench:
    """samples: what was measured."""

    def __init__(self, account: Account, rounds: int) -> None:
        self.account, self.rounds = account, rounds
        self.samples: list[Sample] = []

    def compare(self, size: int, latency: int) -> None:
        """Each variant from nothing and then again, in turns. What takes long is run in the first round only."""
        long = set()
        for number in range(self.rounds):
            for name in _turned([name for name, variant in VARIANTS.items() if variant.takes(size, latency)], number):
                if name not in long and self.bring_about(name, size, latency) > SHORT:
                    long.add(name)

    def bring_about(self, name: str, size: int, latency: int = 0) -> float:
        """One variant from nothing and then again. Returns the seconds that the longest run took."""
        variant = VARIANTS[name]
        has = {'files': variant.files, 'routes': variant.routes}
        hosts = self.empty_account(size, latency, variant.routes)
        walls = [self.measure(name, variant.command(self.account, hosts), size, latency, STATES[0], **has)]
        return max([*walls, *(self.measure(column, command(self.account, hosts), size, latency, STATES[1], **has)
                              for column, command in variant.second_runs.items())])

    def compare_single(self, size: int) -> None:
        """Converged tasks against a plain request, and against a play without tasks."""
        hosts = self.empty_account(size, 0)
        subprocess.run(**VARIANTS['module rollout'].command(self.account, hosts), stdout=subprocess.DEVNULL, check=True)
        for number in range(self.rounds):
            for name in _turned(SINGLE, number):
                self.measure(f'task {name}', SINGLE[name](self.account, hosts), size, 0, STATES[1], files=False)

    def demonstrate(self) -> None:
        """The demo, which has a simulator of its own, and an empty run for as many circuits. The first start is not counted."""
        hosts = self.empty_account(2, 0)
        demo = {'args': [sys.executable, str(ROOT / 'docs/examples/demo.py')], 'env': self.account.environment}
        subprocess.run(**demo, stdout=subprocess.DEVNULL, check=True)
        for _round in range(self.rounds):
            self.run(DEMO, demo, 2, 0, STATES[0])
            self.run('task empty', SINGLE['empty'](self.account, hosts), 2, 0, STATES[1])

    def empty_account(self, size: int, latency: int, routes: int = 0) -> dict[str, dict]:
        """The hosts, a circuit each, for an account without any. routes: of each circuit."""
        self.account.simulator.reset(slots=2 * size, page_size=1000, latency=latency)
        for file in self.account.files.glob('*'):
            file.unlink()
        free = [slot['id'] for slot in self.account.simulator.state()['slots'] if not slot['occupied']][:size]
        return {f'circuit-{number:04}': circuit(number, slot, routes) for number, slot in enumerate(free, 1)}

    def measure(self, name: str, command: Mapping, size: int, latency: int, state: str, files: bool, routes: int = 0) -> float:
        """Runs a command to its end. Returns its seconds. Raises RuntimeError if it hasn't done, or spared, the work."""
        sent = self.run(name, command, size, latency, state)
        loas = sum(request['path'].endswith('/loa') for request in sent)
        stored = self.account.simulator.state()
        done = {'circuits': len(stored['cnis']), 'routes': len(stored['routes']), 'files': len(list(self.account.files.glob('*'))),
                'loas': loas, 'writes': any(request['method'] != 'GET' for request in sent)}
        new = state == STATES[0]
        if done != {'circuits': size, 'routes': routes * size, 'files': FILES * size * files,
                    'loas': size * (files and new), 'writes': new}:
            raise RuntimeError(f'{name}: {size} circuits {state}: {done}')
        return self.samples[-1].wall

    def run(self, name: str, command: Mapping, size: int, latency: int, state: str) -> list[dict]:
        """Runs a command and takes a sample. Returns its requests. Raises RuntimeError with its output if it fails."""
        simulator = self.account.simulator
        requests_before, busy, started = len(simulator.requests()), seconds_of(simulator.pid), time.monotonic()
        with tempfile.TemporaryFile('w+') as output:
            process = subprocess.Popen(**command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True)
            _pid, status, used = os.wait4(process.pid, 0)
            wall, busy = time.monotonic() - started, seconds_of(simulator.pid) - busy
            sent = simulator.requests()[requests_before:]
            if status:
                output.seek(0)
                raise RuntimeError(f'{name}: {size} circuits {state}, status {status}:\n{output.read()[-4000:]}')
        self.samples.append(Sample(name, size, latency, state, round(wall, 3), round(used.ru_utime + used.ru_stime, 3),
                                   round(used.ru_maxrss / 1024, 1), len(sent), round(busy, 3)))
        print(f'{name}: {size} circuits {state} at {latency} ms: {wall:.1f} s', flush=True)
        return sent


def circuit(number: int, slot: str, routes: int) -> dict:
    """The variables of a host."""
    prefixes = [f'10.{number // 256}.{number % 256}.{part * 64}/26' for part in range(routes)]
    return {
        'provision_slot_id': slot,
        'provision_description': f'Circuit {number}',
        'provision_mtu': 1500,
        'provision_bgp': {'customer_asn': 64512 + number % 1000, 'extra_prefixes': ['192.0.2.0/24']},
        'provision_health_check': {'rate': 'high'},
        **({'provision_routes': [{'prefix': prefix} for prefix in prefixes]} if routes else {}),
    }


def seconds_of(pid: int) -> float:
    """The CPU time of a process."""
    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


def _turned(names: Collection[str], number: int) -> list[str]:
    """The names, beginning with another one each round."""
    start = number % len(names)
    return [*list(names)[start:], *list(names)[:start]]

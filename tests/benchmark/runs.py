# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the variants on one simulator, measured."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from playbook import Account

HERE = Path(__file__).parent
STATES = ('from nothing', 'converged')
ONE = 'rollout, one run'  # for its memory only
SINGLES = 20  # hosts of the plays that compare single tasks
SHORT = 60  # seconds; what takes longer is run once


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
class Missing:
    """A run that was left out, since it would have taken so many seconds."""

    variant: str
    circuits: int
    latency: int
    state: str
    about: float


def play(name: str, *arguments: str) -> Callable[[Account, dict], dict]:
    return lambda account, hosts: account.command(name, hosts, *arguments)


def script(account: Account, hosts: dict) -> dict:
    command = account.command('none', hosts)
    return {**command, 'args': [sys.executable, str(HERE / 'sdk.py'), str(account.folder / 'inventory.yml')]}


VARIANTS: dict[str, Callable[[Account, dict], dict]] = {
    'rollout': play(str(HERE / 'plays/rollout.yml')),
    'role': play('provision', '-e', 'provision_serial=100%'),
    'uri': play(str(HERE / 'plays/uri.yml')),
    'uri, lists read once': play(str(HERE / 'plays/uri.yml'), '-e', 'once=true'),
    'SDK script': script,
}
SINGLE = {name: play(str(HERE / f'plays/{name}.yml')) for name in ('empty', 'single', 'get')}


class Bench:
    """samples, missing: what was measured and what was left out."""

    def __init__(self, account: Account, rounds: int, longest: float) -> None:
        self.account, self.rounds, self.longest = account, rounds, longest
        self.samples: list[Sample] = []
        self.missing: list[Missing] = []

    def compare(self, size: int, latency: int) -> None:
        """Each variant from nothing and then again, in turns."""
        for number in range(self.rounds):
            for name in _turned(VARIANTS, number):
                hosts = self.empty_account(size, latency)
                for state in self.feasible(name, size, latency, number):
                    self.measure(name, VARIANTS[name](self.account, hosts), size, latency, state)

    def feasible(self, name: str, size: int, latency: int, number: int) -> Iterator[str]:
        """The states to measure in a round: both, but what takes long only once, and nothing that would take too long."""
        for state in STATES:
            about = self.expected(name, size, latency, state)
            if about > self.longest and not number:
                print(f'{name}: {size} circuits {state} at {latency} ms left out: about {about:.0f} s', flush=True)
                self.missing.append(Missing(name, size, latency, state, round(about)))
            if about > (SHORT if number else self.longest):
                return
            yield state

    def compare_single(self) -> None:
        """A converged task against a plain request, and against a play without tasks."""
        hosts = self.empty_account(SINGLES, 0)
        subprocess.run(**VARIANTS['rollout'](self.account, hosts), stdout=subprocess.DEVNULL, check=True)
        for number in range(max(5, self.rounds)):
            for name in _turned(SINGLE, number):
                self.measure(name, SINGLE[name](self.account, hosts), SINGLES, 0, 'converged')

    def large(self, size: int) -> None:
        """The memory that many circuits take."""
        hosts = self.empty_account(size, 0)
        for state in STATES:
            self.measure(ONE, VARIANTS['rollout'](self.account, hosts), size, 0, state)

    def empty_account(self, size: int, latency: int) -> dict[str, dict]:
        """The hosts, a circuit each, for an account without any."""
        self.account.simulator.reset(slots=2 * size, page_size=1000, latency=latency)
        for file in self.account.files.glob('*'):
            file.unlink()
        free = [slot['id'] for slot in self.account.simulator.state()['slots'] if not slot['occupied']][:size]
        return {f'circuit-{number:04}': circuit(number, slot) for number, slot in enumerate(free, 1)}

    def expected(self, name: str, size: int, latency: int, state: str) -> float:
        """Seconds that a run will take by what a smaller one, or the same, has taken; 0 if nothing is known."""
        known = [one for one in self.samples if (one.variant, one.state) == (name, state) and one.circuits <= size]
        last = max(known, key=lambda one: (one.circuits, one.latency), default=None)
        return last.wall * size / last.circuits if last else 0

    def measure(self, name: str, command: Mapping, size: int, latency: int, state: str) -> None:
        """Runs a command to its end. Raises RuntimeError with its output if it fails, or if it hasn't done or spared the work."""
        simulator = self.account.simulator
        asked, busy, started = len(simulator.requests()), seconds_of(simulator.pid), time.monotonic()
        with tempfile.TemporaryFile('w+') as output:
            process = subprocess.Popen(**command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True)
            _pid, status, used = os.wait4(process.pid, 0)
            wall = time.monotonic() - started
            sent = simulator.requests()[asked:]
            if status or ('converged' in state) != all(one['method'] == 'GET' for one in sent) or len(simulator.state()['cnis']) != size:
                output.seek(0)
                raise RuntimeError(f'{name}: {size} circuits {state}, status {status}:\n{output.read()[-4000:]}')
        self.samples.append(Sample(name, size, latency, state, round(wall, 3), round(used.ru_utime + used.ru_stime, 3),
                                   round(used.ru_maxrss / 1024, 1), len(sent), round(seconds_of(simulator.pid) - busy, 3)))
        print(f'{name}: {size} circuits {state} at {latency} ms: {wall:.1f} s', flush=True)


def circuit(number: int, slot: str) -> dict:
    """The variables of a host."""
    return {
        'provision_slot_id': slot,
        'provision_description': f'Circuit {number}',
        'provision_mtu': 1500,
        'provision_bgp': {'customer_asn': 64512 + number % 1000, 'extra_prefixes': ['192.0.2.0/24']},
        'provision_health_check': {'rate': 'high'},
    }


def seconds_of(pid: int) -> float:
    """The CPU time of a process."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _turned(names: Mapping, number: int) -> list[str]:
    """The names, beginning with another one each round."""
    start = number % len(names)
    return [*list(names)[start:], *list(names)[:start]]

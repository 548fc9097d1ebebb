# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet for an hour and more of simulated time: the intent changes, two controllers apply it at once, people and ports get in between.

Everything is in this process, and takes turns by a simulated clock. Real are the engine with its threads, its files and their locks, and
the simulator's rules. Not real are HTTP, TLS and ansible-playbook, which the fault matrix and the kills have, and the end of a process: it
is an exception that no code of the engine catches, so that files are closed.
"""

from __future__ import annotations

import gc
import os
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from reliability.audit import Actor, Audit
from reliability.clockwork import Clockwork, Killed, Process
from reliability.edge import Edge, Run
from reliability.event_sources import AlertSource, StatusSource
from reliability.intent import Intent, Row
from reliability.outside import LATE_BY, Dashboard, Maintenance, Ports

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import BugError, CniError, ProtectedError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, Work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import status_work
from ansible_collections.netops.cloudflare_cni.plugins.modules import rollout, status_info
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts
from app import Simulation

EPOCH = 1_795_000_000.0  # seconds since 1970
ROUND = 300  # seconds at least
ATTEMPTS = 3  # of a job in a round, with faults
ENDED_SHARE = 0.4  # of these, by a kill or by Ctrl-C
AT_MOST_PER_SITE = 2
STEPS = ['interconnect', 'cni', 'health_check', 'routes', 'handover']
RAM = Path('/dev/shm')  # where files cost no time until they are on a disk
GROWTH = 1.1  # of the memory from the second round on, at most
UNITS = os.sysconf('SC_PAGE_SIZE') / 2**20


@dataclass(frozen=True)
class Size:
    """circuits, rounds: how many; share: of the circuits that change in each round."""

    circuits: int = 1000
    rounds: int = 12
    share: float = 0.1
    seed: int = 1


def by_rollout(rows: list[Row]) -> list[dict[str, Any]]:
    """The arguments of the module rollout."""
    state = 'deleted' if rows[0].status == 'decommissioned' else 'merged'
    return [{'state': state, 'circuits': [row.circuit for row in rows]}]


def by_provision(rows: list[Row]) -> list[dict[str, Any]]:
    """The arguments that the action provision makes of the hosts of an inventory."""
    hosts = [_hosts.declared_host(row.name, row.variables) for row in rows]
    return [{'circuits': run.circuits} for run in _hosts.rollout_runs(hosts, str)]


FIRST = Actor('controller 1', {'Authorization': 'Bearer simulator-token'}, True)
SECOND = Actor('controller 2', {'X-Auth-Email': 'engineer@example.com', 'X-Auth-Key': 'simulator-api-key'}, True)
EVENTS = Actor('event sources', {'Authorization': 'Bearer read-only-token'}, True)
ARGUMENTS: dict[str, Callable[[list[Row]], list[dict[str, Any]]]] = {FIRST.name: by_rollout, SECOND.name: by_provision}


class Fleet:
    """An account and all who have to do with it. folder: of the files that controllers and event sources write."""

    def __init__(self, size: Size, folder: Path) -> None:
        self.size, self._folder, self._rng, self.clockwork = size, folder, random.Random(size.seed), Clockwork(EPOCH)
        self._intent = Intent(size.circuits, size.seed)
        self._simulation = Simulation(['--no-validate'], self.clockwork.clock)
        self._simulation.seed(slots=self._intent.slots)
        self.audit = Audit(self._simulation.store, self._intent, self.clockwork.clock)
        self.audit.add_due_ports(size.circuits)
        self._edge = Edge(self._simulation, self.clockwork, self.audit, self._rng)
        self._alert_source = AlertSource(folder, self._edge, self.audit, self._simulation, self.clockwork, self._rng)
        self._status_source = StatusSource(folder, self._edge, self.audit, self._intent, self.clockwork, self._rng)
        self._dashboard = Dashboard(self._edge, self.audit, self._intent, self._rng)
        self._ports = Ports(self.audit, self.clockwork, self._rng)
        self._maintenance = Maintenance(self._simulation, self.audit, self._alert_source, self._rng)
        self._runs = 0

    # A round.

    def round(self, number: int) -> None:
        """The intent changes and is applied, with all that can go wrong; then once more without faults, and all has to be as it says."""
        end = self.clockwork.now + ROUND
        if number:
            self.audit.add_due_ports(self._intent.change(self.size.share))
        self._maintenance.announce()
        self._dashboard.before_round()
        self._run_with_faults()
        self._run_without_faults(number, max(self.clockwork.now, end))

    def _run_with_faults(self) -> None:
        self._edge.calm, self._lag = False, [self._rng.choice(LATE_BY) for _option in range(3)]
        self._together(
            *((self._rng.uniform(0, 60), lambda actor=actor: self._job(actor)) for actor in (FIRST, SECOND)),
            (0, self._change_ports), (self._rng.uniform(30, 300), self._dashboard.in_round),
            (self._rng.uniform(0, 300), self._poll_states), (self._rng.uniform(100, 300), self._poll_alerts))
        self._edge.calm, self._lag = True, [0, 0, 0]

    @property
    def _lag(self) -> list[int]:
        """By how many reads lists, tunnels and statuses of new objects are late."""
        options = self._simulation.options
        return [options.stale_lists, options.late_tunnels, options.late_status]

    @_lag.setter
    def _lag(self, reads: list[int]) -> None:
        options = self._simulation.options
        options.stale_lists, options.late_tunnels, options.late_status = reads

    def _change_ports(self) -> None:
        for _minute in range(10):
            self._ports.minute()
            self.clockwork.sleep(60)

    def _run_without_faults(self, number: int, start: float) -> None:
        self._maintenance.cancel()
        self._ports.repair()
        self._dashboard.look()
        first, second = (FIRST, SECOND) if number % 2 else (SECOND, FIRST)
        self._together((start - self.clockwork.now, lambda: self._apply_all(first)))
        self.audit.check_round()
        before = self.audit.fingerprint
        self._together((0, lambda: self._apply_all(second)))
        if self.audit.fingerprint != before:
            self.audit.broken.append(f'the second of two runs changes nothing: {second.name} wrote')
        self._together((0, self._poll_states), (180, self._poll_alerts))
        self._status_source.check()
        self._alert_source.check()
        self._check_files()
        protected = self.audit.protected
        self._intent.drop(lambda row: row.status == 'decommissioned' and row.name not in protected)
        self.audit.end_round()

    def _together(self, *work: tuple[float, Callable[[], None]]) -> None:
        """Does things at the same time: (in so many seconds, what)."""
        started = [self.clockwork.start(what, Process(), self.clockwork.now + seconds) for seconds, what in work]
        self.clockwork.run()
        for future in started:
            future.result()

    def _run(self, actor: Actor, **options: Any) -> Run:
        """A new process of an actor."""
        self._runs += 1
        run = Run(actor, f'{actor.name}, run {self._runs}', **options)
        self.clockwork.become(run.process)
        return run

    def _poll_states(self) -> None:
        self._status_source.poll(self._run(EVENTS))

    def _poll_alerts(self) -> None:
        self._alert_source.poll(self._run(EVENTS))

    # The controllers.

    def _job(self, actor: Actor) -> None:
        """Applies the intent as a job template does, with guards. A job that was ended or has failed is started again."""
        for _attempt in range(ATTEMPTS):
            run = self._run(actor, ends=self._drawn_end(), at_most_per_site=AT_MOST_PER_SITE, maintained=self._maintenance.ports,
                            circuits_before=self.audit.circuits)
            try:
                self._apply(run, self._waiting(run))
                return
            except (Killed, KeyboardInterrupt):
                pass
            except CniError as error:
                self.audit.counts['runs that failed'] += 1
                self._refuse_bugs(run, error.result())

    def _drawn_end(self) -> tuple[type[BaseException], int, bool] | None:
        if self._rng.random() >= ENDED_SHARE:
            return None
        return self._rng.choice([Killed, Killed, KeyboardInterrupt]), self._rng.randint(1, self.size.circuits), self._rng.random() < 0.5

    def _apply_all(self, actor: Actor) -> None:
        """Applies the intent in peace. Whatever fails is a broken invariant."""
        run = self._run(actor)
        try:
            self._apply(run)
        except CniError as error:
            self.audit.broken.append(f'the last run makes the account as the intent says: {run} failed: {error.message}')

    def _apply(self, run: Run, waiting: Iterable[str] = ()) -> None:
        """Deletes what is decommissioned, as far as the word goes, and makes the rest. Raises CniError after all of it, if any failed."""
        failures = []
        for rows, guards in ((self._intent.decommissioned(confirmed=False), {'protect': 'healthy'}),
                             (self._intent.decommissioned(confirmed=True), {'force': True}), (self._intent.desired(), {})):
            rows = [row for row in rows if row.name not in waiting]
            for arguments in ARGUMENTS[run.actor.name](rows) if rows else ():
                options = {'steps': STEPS, 'max_deletes': len(rows), 'at_most_per_site': run.at_most_per_site,
                           'artifacts_dir': self._files_of(run.actor)}
                try:
                    result = self._module(run, rollout_work, rollout.ARGUMENT_SPEC, {**arguments, **options, **guards})
                except CniError as error:
                    result = error.result()
                    failures += [] if _only_refuses(result, guards) else [error]
                self._refuse_bugs(run, result)
                self.audit.counts.update({f'circuits {outcome}': number for outcome, number in result.get('summary', {}).items()})
        if failures:
            raise failures[0]

    def _refuse_bugs(self, run: Run, result: Mapping[str, Any]) -> None:
        for failure in (result, *result.get('circuits', ())):
            if failure.get('error', {}).get('kind') == BugError.kind:
                self.audit.broken.append(f'no run ends with an exception that nobody expected: {run}: {failure["msg"]}')

    def _module(self, run: Run, work: Work, spec: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a module, which has a client and guards of its own, as each task has. Raises CniError."""
        checked = ArgumentSpecValidator(spec).validate({name: value for name, value in arguments.items() if value is not None})
        if checked.error_messages:
            raise AssertionError(checked.error_messages)
        run.disturbed.clear()
        module = SimpleNamespace(check_mode=False, warn=lambda text: None)
        try:
            return work(Task(checked.validated_parameters, self._edge.client(run), module))
        except Exception as error:
            raise as_cni_error(error) from error

    def _waiting(self, run: Run) -> set[str]:
        """The circuits that are not changed now: those of sites under maintenance, unless the gate says go."""
        arguments = {'conduit_names': [], 'maintenance_days': 1}
        found = self._module(run, status_work, status_info.ARGUMENT_SPEC, arguments)['maintenance']
        sites = {self.audit.site(entry['interconnect']) for entry in found}
        waiting = {name for name, site in run.circuits_before.items() if site in sites}
        for name in sorted(waiting & self._intent.changed):
            verdict = self._module(run, status_work, status_info.ARGUMENT_SPEC, {**arguments, 'change': name})['change']
            self.audit.counts['gate: go' if verdict['go'] else 'gate: no go'] += 1
            waiting -= {name} if verdict['go'] else set()
        return waiting

    # Files.

    def _files_of(self, actor: Actor) -> str:
        return str(self._folder / actor.name)

    def _check_files(self) -> None:
        """Each controller has the files of all circuits, and nothing else."""
        expected = {row.name for row in self._intent.desired()}
        allowed = {f'{name}.{kind}' for name in expected | self.audit.protected for kind in ('json', 'md')}
        for actor in (FIRST, SECOND):
            files = {file.name for file in Path(self._files_of(actor)).iterdir()}
            if wrong := (files - allowed) | ({f'{name}.json' for name in expected} - files):
                self.audit.broken.append(f'no file is left over, and none is lacking: {actor.name}: {sorted(wrong)}')


def _only_refuses(result: Mapping[str, Any], guards: Mapping[str, Any]) -> bool:
    """Whether all that failed is circuits that carry traffic, or that a human's routes point to: this is as it is to be."""
    failed = [circuit for circuit in result.get('circuits', ()) if circuit['outcome'] == 'failed']
    return 'protect' in guards and bool(failed) and all(circuit['error']['kind'] == ProtectedError.kind for circuit in failed)


# The process.

@dataclass(frozen=True)
class ResourceUse:
    """What the process holds on to: MB of memory, objects, threads, open files."""

    memory: float
    objects: int
    threads: int
    files: int

    @classmethod
    def now(cls) -> ResourceUse:
        gc.collect()
        memory = int(Path('/proc/self/statm').read_text().split()[1]) * UNITS
        return cls(memory, len(gc.get_objects()), threading.active_count(), len(os.listdir('/proc/self/fd')))

    def growth_since(self, before: ResourceUse) -> str:
        """What has become more, in words."""
        more = self.memory > before.memory * GROWTH + 16 or self.objects > before.objects * GROWTH
        return f'{before} became {self}' if more or self.threads > before.threads or self.files > before.files else ''


@contextmanager
def seeded_ids(seed: int) -> Iterator[None]:
    """The ids that the simulator and the events have are the same each time."""
    rng = random.Random(f'ids of {seed}')
    with mock.patch.object(uuid, 'uuid4', lambda: uuid.UUID(int=rng.getrandbits(128), version=4)):
        yield


@dataclass(frozen=True)
class SoakResult:
    """What a soak came to.

    busiest: the most requests of an actor within a window. seconds: of the simulated clock; took: of the real one.
    resource_use: after the second round, and at the end. fingerprint: of all that was done, in order.
    """

    size: Size
    counts: Mapping[str, int]
    requests: Mapping[str, int]
    busiest: Mapping[str, int]
    seconds: float
    took: float
    resource_use: tuple[ResourceUse, ResourceUse]
    fingerprint: str

    def table(self) -> str:
        """What happened, in Markdown."""
        counts, (before, after) = self.counts, self.resource_use
        rows = {
            'circuits, rounds, circuits changed in each': f'{self.size.circuits}, {self.size.rounds}, {self.size.share:.0%}',
            'simulated time': f'{self.seconds / 3600:.1f} hours',
            'requests of controllers and event sources': _number(sum(self.requests.values())),
            'most requests of one token in 300 s': _number(max(self.busiest.values())),
            'requests that a fault struck': _number(counts['faults']),
            'runs killed, interrupted, failed': ', '.join(_number(counts[name]) for name in ('killed', 'interrupted', 'runs that failed')),
            'ports ordered, and that were due': f'{_number(counts["ports ordered"])}, {_number(counts["ports due"])}',
            'circuits deleted': _number(counts['cnis deleted']),
            'changes by humans': _number(counts['changes by humans']),
            'ports that went up or down': _number(counts['ports that went up or down']),
            'changes that waited for maintenance': _number(counts['gate: no go']),
            'changes that waited for other circuits of their site': _number(counts['circuits deferred']),
            'status events, alerts': f'{_number(counts["events of the source status"])}, {_number(counts["events of the source alerts"])}',
            'memory after the second round, and at the end': f'{before.memory:.0f} MB, {after.memory:.0f} MB',
        }
        return '\n'.join(['| what | how many |', '|---|---|', *(f'| {name} | {value} |' for name, value in rows.items())])


def _number(value: int) -> str:
    return f'{value:,}'


def soak(size: Size, report: Callable[[str], None] = lambda text: None) -> SoakResult:
    """Rounds of a fleet. Raises AssertionError with the seed, the round and what happened, once an invariant does not hold."""
    started, resource_use = time.monotonic(), []
    with tempfile.TemporaryDirectory(dir=RAM if RAM.is_dir() else None) as folder, seeded_ids(size.seed):
        fleet = Fleet(size, Path(folder))
        with fleet.clockwork.in_place():
            for number in range(size.rounds):
                fleet.round(number)
                resource_use.append(ResourceUse.now())
                first = resource_use[min(1, number)]
                if number > 1 and (growth := resource_use[-1].growth_since(first)):
                    fleet.audit.broken.append(f'the process does not grow: {growth}')
                if fleet.audit.broken:
                    more = f'\n... and {len(fleet.audit.broken) - 1} more' if fleet.audit.broken[1:] else ''
                    raise AssertionError(f'seed {size.seed}, round {number}: {fleet.audit.broken[0]}{more}')
                report(f'round {number}: {(fleet.clockwork.now - EPOCH) / 60:.0f} min simulated, {time.monotonic() - started:.0f} s, '
                       f'{sum(fleet.audit.requests.values())} requests')
        audit = fleet.audit
        return SoakResult(size, audit.counts, audit.requests, audit.busiest, fleet.clockwork.now - EPOCH, time.monotonic() - started,
                          (resource_use[min(1, len(resource_use) - 1)], resource_use[-1]), audit.fingerprint)

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many circuits at once: one read of the account, one plan, concurrent writes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import End, Report, apply_each
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import (
    Chain,
    Circuit,
    chain_of,
    ends_of,
    gathered,
    in_order,
    remains_of,
    surplus,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, PartlyError, reported
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, outcome, warn_of_addresses, written
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import World
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import (
    Change,
    in_turn,
    of_created,
    plan_each,
    readdressed,
    schedule,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, TUNNEL

SHOWN = 10  # failures in the message; all are in the result


@dataclass
class Outcome:
    """What becomes, or became, of one circuit. changes: as planned; end: as written."""

    name: str
    changes: list[Change] = field(default_factory=list)
    end: End = field(default_factory=End)

    @property
    def real(self) -> list[Change]:
        """What changes, or has changed before it failed."""
        if self.end.error:
            return self.end.applied
        return [] if self.end.skipped else self.changes

    @property
    def state(self) -> str:
        """unchanged, created, updated, deleted, failed or skipped."""
        if self.end.error:
            return 'failed'
        if self.end.skipped:
            return 'skipped'
        actions = {change.action for change in self.changes} - {'none', 'note'}
        if actions == {'delete'}:
            return 'deleted'
        return 'unchanged' if not actions else 'created' if 'create' in actions and 'delete' not in actions else 'updated'

    @property
    def addresses(self) -> dict[str, dict[str, Any]] | None:
        """{cust_ip, p2p_ip: {before, after}} of a circuit that was, or would be, replaced."""
        return readdressed(self.end.done or self.real)


def roll(task: Task) -> dict[str, Any]:
    """The work of the module rollout."""
    params = task.params
    if params['state'] == 'gathered':
        names = {circuit['name'] for circuit in params['circuits'] or ()}
        found = observe(task.client, gathered, ahead=(CNI.name, INTERCONNECT.name, TUNNEL.name))
        return {'changed': False, 'gathered': [circuit for circuit in found if not names or circuit['name'] in names]}
    if params['concurrency'] < 1:
        raise InputError('concurrency', f'{params["concurrency"]} is not possible.', 'more than 0')
    rollout = Rollout(params['circuits'], params['state'], params['max_deletes'], params['concurrency'], params['fail_fast'], task.report)
    for text in rollout.warnings:
        task.module.warn(text)
    outcomes = rollout.run(task.client, task.module.check_mode, _progress(task))
    for one in outcomes:
        warn_of_addresses(task.module.warn, one.name, one.addresses)
    result = told(outcomes)
    failed = [outcome for outcome in outcomes if outcome.state == 'failed']
    if failed:
        words = '; '.join(f'{outcome.name}: {outcome.end.error}' for outcome in failed[:SHOWN])
        more = f' And {len(failed) - SHOWN} more.' if len(failed) > SHOWN else ''
        raise PartlyError(f'{len(failed)} of {len(outcomes)} circuits failed. {words}{more}', result,
                          all(outcome.end.error.retryable for outcome in failed))
    return result


def _progress(task: Task) -> Callable[[int, int], None]:
    """Shows how far it has come, a line each time that progress_every seconds have passed, if it can be shown at all."""
    every, started = task.params['progress_every'], task.client.clock()
    due = started + every

    def tell(done: int, total: int) -> None:
        nonlocal due
        now = task.client.clock()
        if now >= due:
            due = now + every
            task.show(_line(done, total, now - started))
    return tell if task.show and every > 0 else lambda done, total: None


def _line(done: int, total: int, seconds: float) -> str:
    """How far it has come, how fast, and how long it will take."""
    text = f'rollout: {done} of {total} circuits after {seconds:.0f} s'
    return f'{text}, {done / seconds:.1f} a second, about {(total - done) * seconds / done:.0f} s left' if done and seconds else text


def told(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The result: what became of each circuit, how many of each there are, and what changes, the sum first."""
    changes = [change for outcome in outcomes for change in outcome.real]
    summary = dict(Counter(outcome.state for outcome in outcomes))
    result = outcome(changes)
    line = ', '.join(f'{number} {state}' for state, number in summary.items())
    diff = [{'prepared': f'{len(outcomes)} circuits: {line}\n'}, *result['diff']] if result['changed'] else []
    return {**result, 'diff': diff, 'circuits': [_told(one) for one in outcomes], 'summary': summary}


def _told(one: Outcome) -> dict[str, Any]:
    port = next((change.answer or change.after for change in reversed(one.end.done or one.changes)
                 if change.row.name in (CNI.name, INTERCONNECT.name) and change.after), None)
    name = port and port.get('interconnect', port.get('name'))
    error = {**one.end.error.result(), **written(one.end.applied)} if one.end.error else {}
    more = {'interconnect': None if error else name, 'addresses': one.addresses}
    return {'name': one.name, 'outcome': one.state, **{key: value for key, value in more.items() if value}, **error}


@dataclass
class Rollout:
    """What is asked for. circuits: each with its name; state: merged, overridden or deleted; report: makes an error of any exception."""

    circuits: Sequence[Circuit]
    state: str
    max_deletes: int = 0
    workers: int = 8
    fail_fast: bool = False
    report: Report = reported
    _chains: dict[str, Chain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InputError for a circuit that can't be, before anything is read."""
        for circuit in self.circuits:
            if circuit['name'] in self._chains:
                raise InputError('circuits', f'{circuit["name"]!r} is named twice.')
            try:
                self._chains[circuit['name']] = chain_of(circuit)
            except InputError as error:
                error.message = f'circuit {circuit["name"]}: {error.message}'
                raise

    @property
    def warnings(self) -> list[str]:
        """What the user should know of his input."""
        return [f'{name}: {text}' for name, chain in self._chains.items() for one in chain for text in one.warnings]

    @property
    def _needed(self) -> list[str]:
        """The lists that are read in any case."""
        if self.state == 'deleted':
            return []
        wanted = [one for chain in self._chains.values() for one in chain]
        rows = {one.row.name for one in wanted}
        tunnels = self.state == 'overridden' or any(one.replace for one in wanted)
        return [*(row.name for row in (CNI, INTERCONNECT) if row.name in rows), *([TUNNEL.name] if tunnels else [])]

    def decide(self, world: World) -> list[Outcome]:
        """The changes for each circuit, in the order of the list; those that overridden gives up come last. Raises InputError, Unread."""
        if self.state == 'deleted':
            chains = ends_of(self.circuits, world)
        else:
            chains = dict(self._chains)
            if self.state == 'overridden':
                chains |= ends_of([{'name': name} for name in surplus(world, self._chains, self.max_deletes)], world)
                chains |= {name: [*remains_of(name, world), *chain] for name, chain in self._chains.items()}
        order = in_order(chains)
        planned = dict(zip(order, plan_each([chains[name] for name in order], world, self.report), strict=True))
        return [_outcome(name, planned[name]) for name in chains]

    def run(self, client: Client, check_mode: bool, tell: Callable[[int, int], None] = lambda done, total: None) -> list[Outcome]:
        """Reads, decides and, but for check mode, writes. tell: called with how many circuits are done, of how many."""
        outcomes = observe(client, self.decide, ahead=self._needed)
        if self.fail_fast and any(outcome.end.error for outcome in outcomes):
            for one in outcomes:
                one.end.skipped = not one.end.error and one.state != 'unchanged'
        elif not check_mode:
            self._write(client, outcomes, tell)
        return outcomes

    def _write(self, client: Client, outcomes: Sequence[Outcome], tell: Callable[[int, int], None]) -> None:
        todo = [outcome for outcome in outcomes if not outcome.end.error and outcome.state != 'unchanged']
        chains = [in_turn(outcome.changes)[0] for outcome in todo]
        count, lock = [0], threading.Lock()

        def ended(_number: int) -> None:
            with lock:
                count[0] += 1
                tell(count[0], len(todo))

        ends = apply_each(client, chains, workers=self.workers, fail_fast=self.fail_fast, tell=ended, report=self.report)
        for one, end in zip(todo, ends, strict=True):
            one.end = end
        self._check_later(client, [one for one in todo if not (one.end.error or one.end.skipped) and in_turn(one.changes)[1]])

    def _check_later(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """The health checks of interconnects that were not there when the plan was made. They have just been made: no look before each."""
        if not outcomes:
            return
        try:
            checks = [[of_created(change, outcome.end.done) for change in in_turn(outcome.changes)[1]] for outcome in outcomes]
            planned = observe(client, lambda world: plan_each(checks, world, self.report))
        except Exception as error:  # what was written is in the outcomes
            planned = [self.report(error)] * len(outcomes)
        chains = [[] if isinstance(changes, CniError) else [change._replace(recent=True) for change in changes] for changes in planned]
        ends = apply_each(client, chains, workers=self.workers, report=self.report)
        for one, changes, end in zip(outcomes, planned, ends, strict=True):
            error = changes if isinstance(changes, CniError) else end.error
            one.end.done += end.done
            if error:
                one.end.fail(error)


def _outcome(name: str, planned: list[Change] | CniError) -> Outcome:
    return Outcome(name, end=End(error=planned)) if isinstance(planned, CniError) else Outcome(name, schedule(planned))

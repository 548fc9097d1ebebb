# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many circuits at once: each is an interconnect, a CNI and a health check; one read of the account, one plan, concurrent writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import End, apply_each, observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, Wanted, desire, plan_each, schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    INTERCONNECT,
    TUNNEL,
    UNKNOWN,
    Field,
    Resource,
)

Circuit = Mapping[str, Any]
Chain = list[Wanted]

ORDER = ('type', 'slot_id', 'slot', 'speed', 'pairing_key', 'bandwidth', 'on_immutable')  # what a circuit says of its interconnect
LINK = ('description', 'mtu', 'bgp', 'bgp_mode', 'cust_ip', 'p2p_ip', 'shared')  # and of its CNI


@dataclass
class Outcome:
    """What becomes, or became, of one circuit. changes: as planned; end: as written."""

    name: str
    changes: list[Change] = field(default_factory=list)
    end: End = field(default_factory=End)

    @property
    def state(self) -> str:
        """unchanged, created, updated, deleted or failed."""
        if self.end.error:
            return 'failed'
        actions = {change.action for change in self.changes} - {'none'}
        if actions == {'delete'}:
            return 'deleted'
        return 'unchanged' if not actions else 'created' if 'create' in actions and 'delete' not in actions else 'updated'


# From circuits to what is wanted.

def chain_of(circuit: Circuit) -> Chain:
    """An interconnect, the CNI on it and its health check, as far as the circuit speaks of them. Raises InputError."""
    name, port = circuit['name'], circuit.get('interconnect')
    order = [] if port else [desire(INTERCONNECT, {**_said(circuit, ORDER), 'conduit_name': name})]
    link = desire(CNI, {**_said(circuit, LINK), 'conduit_name': name, 'interconnect': port})
    check = circuit.get('health_check')
    checks = [desire(TUNNEL, {'interconnect': port, **check})] if check else []
    return [*order, *(replace(one, follows=not port) for one in (link, *checks))]


def end_of(circuit: Circuit, world: World) -> Chain:
    """The same, to be given up: the CNI only where the circuit named its interconnect, or where that carries other CNIs too."""
    name = circuit['name']
    ports = {cni['interconnect'] for cni in world.having(CNI.name, 'magic.conduit_name', name)}
    shared = any(len(world.having(CNI.name, 'interconnect', port)) > 1 for port in ports)
    if circuit.get('interconnect') or shared:
        return [desire(CNI, {'conduit_name': name, 'state': 'absent'})]
    keys = {'name': next(iter(ports), None), 'conduit_name': name, 'slot_id': circuit.get('slot_id')}
    return [desire(INTERCONNECT, {**keys, 'state': 'absent'})]


def _said(circuit: Circuit, options: Iterable[str]) -> dict[str, Any]:
    return {option: circuit.get(option) for option in options}


# From what is there to circuits.

def gathered(world: World) -> list[dict[str, Any]]:
    """What is there, as circuits that can be fed back unchanged. No secret is among it."""
    circuits = []
    for cni in world.seen(CNI.name):
        ports = world.having(INTERCONNECT.name, 'name', cni['interconnect'])
        said = {'name': get(cni, 'magic.conduit_name'), **_options(CNI, cni)}
        if len(world.having(CNI.name, 'interconnect', cni['interconnect'])) > 1:
            said['shared'] = True
        key = TUNNEL.keys[0]
        tunnels = [tunnel for port in ports if port.get(key.via[-1].gives)
                   for tunnel in world.having(TUNNEL.name, key.wire, port[key.via[-1].gives], key.normal)]
        checks = _options(TUNNEL, tunnels[0]) if tunnels else {}
        circuits.append({**said, **({'health_check': checks} if checks else {})})
    return sorted(circuits, key=lambda circuit: str(circuit['name']))


def _options(row: Resource, obj: Object) -> dict[str, Any]:
    """The object in the words of the module's options."""
    options: dict[str, Any] = {}
    for f in row.fields:
        value = get(obj, f.wire)
        if value not in (None, '') and not f.secret and f.option != 'conduit_name':
            _put(options, f, value)
    return options


def _put(options: dict[str, Any], f: Field, value: Any) -> None:
    block, _dot, name = f.option.rpartition('.')
    (options.setdefault(block, {}) if block else options)[name] = value


# The run.

@dataclass
class Rollout:
    """What is asked for. circuits: each with its name; state: merged, overridden or deleted."""

    circuits: Sequence[Circuit]
    state: str
    max_deletes: int = 0
    workers: int = 8
    fail_fast: bool = False
    _chains: dict[str, Chain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InputError for a circuit that can't be, before anything is read."""
        for circuit in self.circuits:
            try:
                self._chains[circuit['name']] = chain_of(circuit)
            except InputError as error:
                error.message = f'circuit {circuit["name"]}: {error.message}'
                raise

    def decide(self, world: World) -> list[Outcome]:
        """The changes for each circuit, in the order of the list; those that overridden gives up come last. Raises InputError, Unread."""
        if self.state == 'deleted':
            chains = {circuit['name']: end_of(circuit, world) for circuit in self.circuits}
        else:
            chains = {**self._chains, **{name: end_of({'name': name}, world) for name in self._surplus(world)}}
        return [_outcome(name, planned) for name, planned in zip(chains, plan_each(list(chains.values()), world), strict=True)]

    def _surplus(self, world: World) -> list[str]:
        """The circuits that overridden gives up. Raises InputError if there are more than max_deletes."""
        if self.state != 'overridden':
            return []
        there = [get(cni, 'magic.conduit_name') for cni in world.seen(CNI.name)]
        names = sorted(name for name in there if name not in self._chains)
        if len(names) > self.max_deletes:
            raise InputError('max_deletes', f'overridden would delete {len(names)} circuits: {", ".join(names)}.',
                             f'at least {len(names)}, if they are to go')
        return names

    def run(self, client: Client, check_mode: bool, tell: Callable[[int, int], None] = lambda done, total: None) -> list[Outcome]:
        """Reads, decides and, but for check mode, writes. tell: called with how many circuits are done, of how many."""
        outcomes = observe(client, self.decide)
        if check_mode or (self.fail_fast and any(outcome.end.error for outcome in outcomes)):
            return outcomes
        self._write(client, outcomes, tell)
        return outcomes

    def _write(self, client: Client, outcomes: Sequence[Outcome], tell: Callable[[int, int], None]) -> None:
        todo = [outcome for outcome in outcomes if not outcome.end.error and outcome.state != 'unchanged']
        chains = [[change for change in outcome.changes if not _is_later(change)] for outcome in todo]
        count = [0]

        def ended(_number: int) -> None:
            count[0] += 1
            tell(count[0], len(todo))

        ends = apply_each(client, chains, workers=self.workers, fail_fast=self.fail_fast, tell=ended)
        for outcome, end in zip(todo, ends, strict=True):
            outcome.end = end
        self._check_later(client, [outcome for outcome in todo if not outcome.end.error and any(map(_is_later, outcome.changes))])

    def _check_later(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """The health checks of interconnects that were not there when the plan was made."""
        if not outcomes:
            return
        checks = [[_of_new(self._chains[outcome.name][-1], outcome.end.done)] for outcome in outcomes]
        planned = observe(client, lambda world: plan_each(checks, world))
        ends = apply_each(client, [[] if isinstance(changes, CniError) else changes for changes in planned], workers=self.workers)
        for outcome, changes, end in zip(outcomes, planned, ends, strict=True):
            error = changes if isinstance(changes, CniError) else end.error
            outcome.end.done += end.done
            if error:
                outcome.end.fail(error)


def _outcome(name: str, planned: list[Change] | CniError) -> Outcome:
    return Outcome(name, end=End(error=planned)) if isinstance(planned, CniError) else Outcome(name, schedule(planned))


def _is_later(change: Change) -> bool:
    """Whether it is about an object that comes with one that the plan creates."""
    return change.action == 'update' and change.row.id is not None and change.after[change.row.id] == UNKNOWN


def _of_new(check: Wanted, done: Iterable[Change]) -> Wanted:
    port = next(change.answer['name'] for change in done if change.row.name == INTERCONNECT.name)
    return replace(check, keys={INTERCONNECT.name: port}, follows=False)

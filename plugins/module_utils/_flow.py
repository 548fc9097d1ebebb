# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow for a list of circuits: one read of the account, one plan, concurrent writes; then the files, and the status."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
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
    replaceable,
    surplus,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, reported
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import DELETING, Disk, Facts, Folder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, guards_of, hold_back, with_status
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import Refused
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, warn_of_addresses
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, all_read, by_field, by_key, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import at_once, observe, watch
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._outcomes import Outcome, failure_of, result_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._owners import contradiction
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import (
    Change,
    checked,
    desire,
    in_turn,
    of_created,
    plan_each,
    schedule,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, SETTINGS, TUNNEL, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STEPS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import OLDER_WORDS, loa_name

Progress = Callable[[int, int], None]


def roll(task: Task) -> dict[str, Any]:
    """The work of the module rollout."""
    if task.params['state'] == 'gathered':
        return _gathered(task)
    rollout = _asked(task)
    try:
        outcomes = rollout.run(task.client, task.module.check_mode, _progress(task))
    finally:
        for text in rollout.warnings:
            task.module.warn(text)
    for one in outcomes:
        warn_of_addresses(task.module.warn, one.name, one.addresses)
    result = result_of(outcomes, rollout.settings, rollout.account)
    failure = failure_of(outcomes, rollout.settings, result)
    if failure:
        raise failure
    return result


def _gathered(task: Task) -> dict[str, Any]:
    """The circuits that are there, all or those that are named."""
    for one in task.refused.values():
        raise one.error
    names = {circuit['name'] for circuit in task.params['circuits'] or ()}
    found = observe(task.client, gathered, ahead=(CNI.name, INTERCONNECT.name, TUNNEL.name))
    return {'changed': False, 'gathered': [circuit for circuit in found if not names or circuit['name'] in names]}


def _asked(task: Task) -> Rollout:
    """The rollout that the options ask for. Raises InputError."""
    params = task.params
    if params['concurrency'] < 1:
        raise InputError('concurrency', f'{params["concurrency"]} is not possible.', 'more than 0')
    folder = Folder(params['artifacts_dir'], params['loa_max_age'], params['handover_template'],
                    warn=task.module.warn) if params['artifacts_dir'] else None
    steps = STEPS if params['steps'] is None else params['steps']
    return Rollout(params['circuits'], params['state'], guards_of(params), params['concurrency'], params['fail_fast'], task.report,
                   task.refused, steps, 'status' in (params['steps'] or ()), folder, params['default_asn'], params['wait_timeout'],
                   params['later'] or ())


def _progress(task: Task) -> Progress:
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


@dataclass
class Rollout:
    """What is asked for.

    circuits: each with its name; refused: {place: why} of those among them that can't be; state: merged, overridden or deleted;
    report: makes an error of any exception; steps: those of STEPS that are done; read_status: of all circuits, not only those that wait;
    folder: of the files; default_asn: to be set; wait_timeout: seconds; later: circuits that other runs order.
    """

    circuits: Sequence[Circuit]
    state: str
    guards: Guards = field(default_factory=Guards)
    workers: int = 8
    fail_fast: bool = False
    report: Report = reported
    refused: Mapping[int, Refused] = field(default_factory=dict)
    steps: Collection[str] = STEPS
    read_status: bool = False
    folder: Folder | None = None
    default_asn: int | None = None
    wait_timeout: float = 0
    later: Collection[str] = ()
    settings: Outcome | None = None
    account: Object | None = None  # its settings, where they were read
    _listed: list[Outcome | str] = field(default_factory=list)  # in the order of the user: who has failed already, and the other names
    _chains: dict[str, Chain] = field(default_factory=dict)
    _declared: dict[str, Circuit] = field(default_factory=dict)
    _records: Mapping[str, Object] = field(default_factory=dict)
    _disks: dict[str, Disk] = field(default_factory=dict)
    _contradicted: dict[str, str] = field(default_factory=dict)
    _world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        """A circuit that can't be fails alone, before anything is read."""
        left, times = iter(self.circuits), Counter(circuit['name'] for circuit in self.circuits)
        for place in range(len(self.circuits) + len(self.refused)):
            one = self.refused.get(place) or self._checked(next(left), times)
            self._listed.append(one if isinstance(one, str) else Outcome(one.name, end=End(error=one.error)))

    def _checked(self, circuit: Circuit, times: Mapping[str, int]) -> str | Refused:
        """The name of a circuit that can be, as far as its own options show."""
        name = circuit['name']
        try:
            if times[name] > 1:
                raise InputError('name', f'{name!r} is that of {times[name]} circuits.', 'a name for each')
            if times[circuit.get('previous_name')]:
                raise InputError('previous_name', f'{circuit["previous_name"]!r} is the name of a circuit in the list, too.')
            if circuit.get('loa_name'):
                checked('loa_name', circuit['loa_name'], loa_name, [])
            if self.state != 'deleted':
                self._chains[name] = [one._replace(force=self.guards.force) for one in chain_of(circuit, self.steps)]
        except InputError as error:
            return Refused(name, error)
        self._declared[name] = circuit
        return name

    @property
    def warnings(self) -> list[str]:
        """What the user should know of his input and of the records."""
        texts = [f'{name}: {text}' for name, chain in self._chains.items() for one in chain for text in one.warnings]
        return texts + [f'{name}: {text}' for name, text in self._contradicted.items()]

    # The plan.

    @property
    def _needed(self) -> list[str]:
        """The lists that are read in any case."""
        if self.state == 'deleted':
            return []
        wanted = [one for chain in self._chains.values() for one in chain]
        rows = {one.row.name for one in wanted} | ({INTERCONNECT.name, CNI.name} if self._filing and self._chains else set())
        tunnels = self.state == 'overridden' or any(one.replace for one in wanted)
        asn = self.default_asn is not None or ('handover' in self._filing and any(one.get('bgp') for one in self._declared.values()))
        return [*(row.name for row in (CNI, INTERCONNECT) if row.name in rows), *([TUNNEL.name] if tunnels else []),
                *([SETTINGS.name] if asn else [])]

    @property
    def _filing(self) -> list[str]:
        """The steps that write files."""
        return [step for step in ('loa', 'handover') if self.folder and step in self.steps]

    def decide(self, world: World) -> list[Outcome]:
        """The changes for each circuit, in the order of the list; those that overridden deletes come last. Raises InputError, Unread."""
        world.asking.update(dict.fromkeys(self.later))
        outcomes = self._guarded(world)
        self.settings = self._set(world)
        self._contradicted = dict(self._contradictions(outcomes, world))
        self._plan_files(outcomes, world)
        self._world = world
        return [*(one if isinstance(one, Outcome) else outcomes.pop(one) for one in self._listed), *outcomes.values()]

    def _guarded(self, world: World) -> dict[str, Outcome]:
        """What becomes of each circuit. What the guards hold back frees no port for the others, so these are planned anew without it."""
        back: dict[str, Outcome] = {}
        names: list[str] = []
        while True:
            chains = self._wanted(world, back)
            names, order = names or [*chains], in_order(chains)
            planned = dict(zip(order, plan_each([chains[name] for name in order], world, self.report), strict=True))
            sound = {name: planned[name] for name in chains if not isinstance(planned[name], CniError)}
            held = hold_back(sound, self.guards, world, chains.keys() - self._declared.keys())
            if not (held.refused or held.deferred):
                done = {name: with_status(sound[name], world) if name in sound else planned[name] for name in chains}
                return {name: back.get(name) or _outcome(name, done[name]) for name in names}
            back |= {name: _outcome(name, error) for name, error in held.refused.items()}
            back |= {name: Outcome(name, deferred=why) for name, why in held.deferred.items()}

    def _wanted(self, world: World, without: Container[str]) -> dict[str, Chain]:
        """What is wanted of each circuit, those that overridden deletes at the end."""
        recorded = self.folder is not None
        if self.state == 'deleted':
            return ends_of([circuit for name, circuit in self._declared.items() if name not in without], world, recorded)
        chains = {name: chain for name, chain in self._chains.items() if name not in without}
        chains = {name: replaceable(name, chain, world) if recorded else chain for name, chain in chains.items()}
        if self.state == 'overridden' and 'interconnect' in self.steps:
            chains = {name: [*remains_of(name, world), *chain] for name, chain in chains.items()}
            gone = dict.fromkeys([*surplus(world, self._kept()), *self._half_deleted(world)])
            chains |= ends_of([{'name': name} for name in gone if name not in without], world, recorded)
        return chains

    def _half_deleted(self, world: World) -> list[str]:
        """The circuits of this account that an earlier run had begun to delete when it ended: their files may be all that is left."""
        kept = self._kept()
        return [name for name, record in self._records.items() if record.get(DELETING) == world.account and name not in kept]

    def _kept(self) -> set[str]:
        """The names of the list, those that can't be included. Raises InputError where one has no name: it may be any."""
        nameless = [one.name for place, one in self.refused.items() if one.name == f'circuits[{place}]']
        if nameless:
            raise InputError('circuits', f'{", ".join(nameless)} has no name, so nobody can tell which circuits overridden may delete.')
        return {one if isinstance(one, str) else one.name for one in self._listed} | self._renamed.keys()

    @property
    def _renamed(self) -> dict[str, str]:
        """{previous name: name} of the circuits that have one."""
        return {old: name for name, circuit in self._declared.items() if (old := circuit.get('previous_name'))}

    def _set(self, world: World) -> Outcome | None:
        """The settings of the account, where they are to be set."""
        if self.default_asn is None or 'settings' not in self.steps:
            return None
        return _outcome('', plan_each([[desire(SETTINGS, {'default_asn': self.default_asn})]], world, self.report)[0])

    def _contradictions(self, outcomes: Mapping[str, Outcome], world: World) -> Iterable[tuple[str, str]]:
        """(circuit, warning) where a record names an interconnect that is not the circuit's."""
        for name, one in outcomes.items():
            recorded, of_ports = world.owners.get(name), [change for change in one.changes if change.row.name == INTERCONNECT.name]
            ports = {obj['name'] for change in of_ports for obj in (change.before, change.after) if obj}
            if recorded is None or not ports or recorded in ports:
                continue
            why = contradiction(name, world) or 'another circuit of this run has it on record too'
            yield name, f'its record names interconnect {recorded!r}, but {why}: the record does not count.'

    # The run.

    def run(self, client: Client, check_mode: bool, tell: Progress = lambda done, total: None) -> list[Outcome]:
        """Reads, decides and, but for check mode, writes. tell: called with how many circuits are done, of how many."""
        outcomes = self._decided(client)
        if self._is_refused(outcomes) or check_mode:
            self._watch(client, outcomes, 0)
            return outcomes
        with ExitStack() as lock:
            if any(map(self._takes, outcomes)):
                lock.enter_context(self.folder.lock(client.retry_timeout, client.back_off, client.clock))
                outcomes = self._decided(client)
            self._write(client, outcomes, tell, lock.close)
        self._write_files(client, outcomes)
        self._watch(client, outcomes, self.wait_timeout)
        return outcomes

    def _decided(self, client: Client) -> list[Outcome]:
        """The plan for the account as it is now, and for what is on record."""
        world = World()
        if self.folder:
            self._records, self._disks = self.folder.records(), {}
            owners = {name: port for name, record in self._records.items() if (port := get(record, 'interconnect.name'))}
            renamed = {self._renamed[name]: port for name, port in owners.items() if name in self._renamed}
            world.own(renamed | {name: port for name, port in owners.items() if name not in self._renamed})
        return observe(client, self.decide, world, ahead=self._needed)

    def _is_refused(self, outcomes: Iterable[Outcome]) -> bool:
        """Whether fail_fast keeps all from being written, which then are skipped."""
        outcomes = [*outcomes, *([self.settings] if self.settings else [])]
        if not (self.fail_fast and any(one.end.error for one in outcomes)):
            return False
        for one in outcomes:
            one.end.skipped = one.state not in ('failed', 'unchanged', 'deferred')
        return True

    def _takes(self, one: Outcome) -> bool:
        """Whether a circuit orders an interconnect, or takes one that is nobody's as far as anybody can tell."""
        port = _port(one.changes)
        if self.folder is None or one.end.error or port is None:
            return False
        carried = self._world.having(CNI.name, 'magic.conduit_name', one.name)
        return port.action == 'create' or not (carried or self._world.owners.get(one.name) == port.after['name'])

    def _write(self, client: Client, outcomes: Sequence[Outcome], tell: Progress, release: Callable[[], None]) -> None:
        """Writes what the account lacks. release: called when all interconnects that are taken are on record."""
        if self.settings and self.settings.is_to_write:
            (self.settings.end,) = apply_each(client, [self.settings.changes], report=self.report)
        if self._is_refused(outcomes):
            return
        self._record_deletes(client.account_id, outcomes)
        todo = [one for one in outcomes if one.is_to_write or self._takes(one)]
        count = _Count(len(todo), {number for number, one in enumerate(todo) if self._takes(one)}, tell, release)

        def then(number: int, change: Change) -> None:
            if self.folder and change.row.name == INTERCONNECT.name and change.answer and change.after:
                self._record(todo[number], change.answer['name'])
                count.on_record(number)

        chains = [in_turn(one.changes)[0] for one in todo]
        ends = apply_each(client, chains, workers=self.workers, fail_fast=self.fail_fast, tell=count.ended, then=then, report=self.report)
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

    # The files.

    def _record(self, one: Outcome, interconnect: str, deleting: str | None = None) -> None:
        """Puts on record which interconnect is the circuit's, and that it is about to be deleted. Raises CniError, which names it."""
        record = self._records.get(one.name)
        if get(record, 'interconnect.name') == interconnect and (not deleting or record.get(DELETING) == deleting):
            return
        try:
            self.folder.put_on_record(one.name, interconnect, deleting)
        except CniError as error:
            error.notes.append(f'The interconnect of {one.name} is {interconnect!r}: nothing else was done, as that is not on record.')
            raise

    def _record_deletes(self, account: str, outcomes: Iterable[Outcome]) -> None:
        """Puts on record which interconnects are about to be deleted: once its CNI is gone, nothing else leads to one.

        What goes for good is marked, so that the next run finds files that are all that is left of it.
        """
        for one in outcomes if self.folder else ():
            gone = {change.row.name: change.before for change in one.changes if change.action == 'delete'}
            port = get(gone.get(INTERCONNECT.name), 'name') or (one.name in self._records and get(gone.get(CNI.name), 'interconnect'))
            with one.end.failing(self.report):
                if port:
                    self._record(one, port, account if self._goes(one) else None)

    def _plan_files(self, outcomes: Mapping[str, Outcome], world: World) -> None:
        """What becomes of the files of each circuit. Raises Unread."""
        if not self.folder:
            return
        staying = [one for one in outcomes.values() if not (one.end.error or one.deferred or self._goes(one))]
        facts = dict(zip((one.name for one in staying), all_read(lambda one: self._facts(one, world), staying), strict=True))
        for name, one in outcomes.items():
            with one.end.failing(self.report):
                one.files = self._files_of(one, facts.get(name))

    def _goes(self, one: Outcome) -> bool:
        """Whether the circuit is to be deleted."""
        return self.state == 'deleted' or one.name not in self._declared

    def _files_of(self, one: Outcome, facts: Facts | None, steps: Sequence[str] | None = None) -> list[Change]:
        """The changes of the files of a circuit, which comes or stays, or goes if there are no facts."""
        if one.deferred or (one.end.error and not steps):
            return []
        if one.name not in self._disks:
            self._disks[one.name] = self.folder.disk(one.name)
        disk = self._disks[one.name]
        if facts is None:
            return self.folder.removal(one.name, disk)
        one.paths = self.folder.paths(facts)
        return [change for change in self.folder.plan(facts, steps or self.steps, disk) if change.action != 'none']

    def _facts(self, one: Outcome, world: World) -> Facts:
        """What the files of a circuit are made from: what this run has planned or written, and else what is there. Raises Unread."""
        circuit, objects, settings = self._declared[one.name], one.written, None
        port, cni, tunnel = (objects.get(row.name) for row in (INTERCONNECT, CNI, TUNNEL))
        cni = cni or next(iter(world.having(CNI.name, 'magic.conduit_name', one.name)), None)
        name = get(port, 'name') or get(cni, 'interconnect') or circuit.get('interconnect')
        port = port or next(iter(by_field(INTERCONNECT, INTERCONNECT.id, name, world) if name else ()), None)
        if not tunnel and circuit.get('health_check') and name not in (None, UNKNOWN) and 'handover' in self._filing:
            tunnel = next(iter(by_key(TUNNEL, TUNNEL.keys[0], name, world)), None)
        if 'handover' in self._filing and get(cni, 'bgp'):
            settings = (self.settings and self.settings.objects.get(SETTINGS.name)) or next(iter(world.seen(SETTINGS.name)), None)
            self.account = settings
        one.known = {row.name: obj for row, obj in ((INTERCONNECT, port), (CNI, cni), (TUNNEL, tunnel)) if obj}
        return Facts(one.name, port, cni, tunnel, settings, circuit.get('loa_name'))

    def _write_files(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """Writes the files of all circuits: those that failed after their order get their LOA all the same."""
        stopped = self.fail_fast and any(one.end.error for one in outcomes)
        for one in outcomes if stopped else ():
            one.end.skipped = one.end.skipped or bool(one.files and not one.end.done)
        todo = [one for one in outcomes if self.folder and not one.end.skipped and self._has_files(one)]
        at_once(partial(self._write_files_of, client), todo, self.workers)

    def _has_files(self, one: Outcome) -> bool:
        ordered = one.end.error and 'loa' in self._filing and not self._goes(one) and one.objects.get(INTERCONNECT.name)
        return bool(ordered or (not one.end.error and (one.files or one.is_to_write)))

    def _write_files_of(self, client: Client, one: Outcome) -> None:
        with one.end.failing(self.report):
            if self._goes(one):
                self.folder.write(client, self.folder.removal(one.name, self.folder.disk(one.name)))
                return
            failed = one.end.error is not None
            changes = self._files_of(one, self._facts(one, self._world), ['loa'] if failed else None)
            written = self.folder.write(client, changes)
            one.end.partly += written if failed else []
            decided = {change.row.name: change for change in one.files}  # as check mode has shown them
            one.files = [decided.get(change.row.name, change) for change in changes]

    # The status.

    def _watch(self, client: Client, outcomes: Sequence[Outcome], timeout: float) -> None:
        """Reads the status of the circuits that ask for it, and waits for those that wait for a state."""
        asking = {one.name: name for one in outcomes if (name := self._awaited(one))}
        goals: dict[str, set[str]] = {}
        for circuit, name in asking.items():
            goal = {OLDER_WORDS.get(state, state) for state in self._declared[circuit].get('wait_for') or ()}
            goals[name] = (goals.get(name, goal) & goal) or goal
        found = self._statuses(client, goals, timeout, [one for one in outcomes if one.name in asking])
        for one in (one for one in outcomes if one.name in asking and found is not None):
            status, goal = found.get(asking[one.name]), goals[asking[one.name]]
            one.status = status and {'interconnect': asking[one.name], 'state': status.get('state'), 'reason': status.get('reason')}
            one.reached = get(status, 'state') in goal if goal else None

    def _awaited(self, one: Outcome) -> str | None:
        """The interconnect of a circuit whose status is asked for."""
        circuit = self._declared.get(one.name)
        if circuit is None or self._goes(one) or one.end.error or one.end.skipped or 'status' not in self.steps:
            return None
        if not (self.read_status or circuit.get('wait_for')):
            return None
        name = get(one.objects, 'interconnect.name') or get(one.objects, 'cni.interconnect') or circuit.get('interconnect')
        return None if name == UNKNOWN else name

    def _statuses(self, client: Client, goals: Mapping[str, Collection[str]], timeout: float, asking: Sequence[Outcome]) -> Any:
        try:
            return watch(client, goals, timeout) if goals else {}
        except Exception as error:  # what was written is in the outcomes
            for one in asking:
                one.end.fail(self.report(error))
            return None


class _Count:
    """How many of the chains have ended; and which of those that take an interconnect have it on record, or will never have one."""

    def __init__(self, total: int, taking: set[int], show: Progress, release: Callable[[], None]) -> None:
        self._total, self._taking, self._show, self._release = total, taking, show, release
        self._done, self._lock = 0, threading.Lock()

    def on_record(self, number: int) -> None:
        with self._lock:
            self._taking.discard(number)
            if not self._taking:
                self._release()

    def ended(self, number: int) -> None:
        self.on_record(number)
        with self._lock:
            self._done += 1
            self._show(self._done, self._total)


def _port(changes: Iterable[Change]) -> Change | None:
    """The change of the interconnect that a circuit is on."""
    return next((change for change in changes if change.row.name == INTERCONNECT.name and change.after), None)


def _outcome(name: str, planned: list[Change] | CniError) -> Outcome:
    return Outcome(name, end=End(error=planned)) if isinstance(planned, CniError) else Outcome(name, schedule(planned))

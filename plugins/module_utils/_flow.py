# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow for a list of circuits: one read of the account, one plan, concurrent writes; then the files, and the status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._approval import (
    ABSENT,
    STDOUT,
    Approved,
    PlannedCircuit,
    approval_error,
    declared_values,
    plan_result,
    plan_text,
    planned_circuit,
    read_approved,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._chains import ChainResult
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import (
    TUNNEL_BLOCKS,
    Chain,
    Circuit,
    delete_chains,
    desired_chain,
    gathered_circuits,
    half_deleted_chain,
    planning_order,
    surplus_circuits,
    with_replaced_name,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value, desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, ToError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import DELETING, ArtifactsFolder, CircuitFacts, FilesOnDisk
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import routes_to
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, guards_of, held_back, is_live, with_status
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import InvalidItem
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import default_loa_name
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects, run_concurrently
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._outcomes import Outcome, rollout_error, rollout_result
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import record_contradiction
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import (
    Change,
    follow_up_of,
    plan_chains,
    schedule,
    split_follow_ups,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._progress import ChainCounter, Progress, progress_reporter
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import validate_updates
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    INTERCONNECT,
    LOA,
    ROUTE,
    SETTINGS,
    TUNNEL,
    UNKNOWN,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    map_all_reads,
    objects_by_field,
    objects_by_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STEPS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import (
    check_site_demand,
    demand_warnings,
    states_of,
    wait_for_states,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_loa_name, sort_key_of_route
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import warn_changed_addresses

EFFECTIVE_TARGET = 'health_check.target.effective'  # calculated from the address of the CNI, unless one was saved


def rollout_work(task: Task) -> dict[str, Any]:
    """The work of the module rollout."""
    if task.params['state'] == 'gathered':
        return _gathered_result(task)
    rollout = _rollout_from_options(task)
    try:
        outcomes = rollout.run(task.client, task.module.check_mode, progress_reporter(task))
    finally:
        for text in rollout.warnings:
            task.module.warn(text)
    for outcome in outcomes:
        warn_changed_addresses(task.module.warn, outcome.name, outcome.addresses)
    result = rollout_result(outcomes, rollout.settings, rollout.account)
    if rollout.for_approval:
        result['plan'] = _written_plan(rollout.plan_for_approval(outcomes, task.client.account_id), task.params['plan_file'])
    failure = rollout_error(outcomes, rollout.settings, result)
    if failure:
        raise failure
    return result


def _written_plan(plan: dict[str, Any], path: str) -> dict[str, Any]:
    """The plan with its file, once it is there. Raises InputError."""
    if path != STDOUT:
        write_file(path, plan_text(plan).encode(), 'plan_file')
    return {**plan, 'file': path}


def _gathered_result(task: Task) -> dict[str, Any]:
    """The circuits of the account, all or those that are named."""
    for item in task.invalid_items.values():
        raise item.error
    names = {circuit['name'] for circuit in task.params['circuits'] or ()}
    circuits = observe(task.client, gathered_circuits, prefetch=(CNI.name, INTERCONNECT.name, TUNNEL.name, ROUTE.name))
    return {'changed': False, 'gathered': [circuit for circuit in circuits if not names or circuit['name'] in names]}


def _rollout_from_options(task: Task) -> Rollout:
    """The rollout of the options. Raises InputError."""
    params = task.params
    if params['concurrency'] < 1:
        raise InputError('concurrency', f'{params["concurrency"]} is not valid.', 'more than 0')
    folder = None
    if params['artifacts_dir']:
        folder = ArtifactsFolder(params['artifacts_dir'], params['loa_max_age'], params['handover_template'], warn=task.module.warn)
    steps = STEPS if params['steps'] is None else params['steps']
    check_site_demand(params['site_demand'])
    return Rollout(
        params['circuits'], params['state'], guards_of(params), workers=params['concurrency'], fail_fast=params['fail_fast'],
        to_error=task.to_error, invalid_items=task.invalid_items, steps=steps, read_status='status' in (params['steps'] or ()),
        folder=folder, default_asn=params['default_asn'], wait_timeout=params['wait_timeout'], later=params['later'] or (),
        purge_routes=params['purge_routes'], site_demand=params['site_demand'] or {}, validate=params['validate'],
        approved=read_approved(params['approved_plan']), for_approval=bool(params['plan_file'] and task.module.check_mode))


@dataclass
class Rollout:
    """A run of rollout.

    circuits: each with its name; invalid_items: {position: those that can't be processed}; state: merged, overridden or deleted;
    to_error: makes a CniError of any exception; steps: those of STEPS to do; read_status: of all circuits, not only those that wait;
    folder: of the files; default_asn: to be set; wait_timeout: seconds; later: circuits that other runs order.
    purge_routes: the routes to a circuit that overridden deletes go with it; site_demand: {site: the bandwidth that it needs}.
    validate: in check mode Cloudflare validates the updates; approved: the plan that no circuit may differ from.
    for_approval: whether this is check mode, and makes such a plan.
    """

    circuits: Sequence[Circuit]
    state: str
    guards: Guards = field(default_factory=Guards)
    workers: int = 8
    fail_fast: bool = False
    to_error: ToError = as_cni_error
    invalid_items: Mapping[int, InvalidItem] = field(default_factory=dict)
    steps: Collection[str] = STEPS
    read_status: bool = False
    folder: ArtifactsFolder | None = None
    default_asn: int | None = None
    wait_timeout: float = 0
    later: Collection[str] = ()
    purge_routes: bool = False
    site_demand: Mapping[str, str] = field(default_factory=dict)
    validate: bool = False
    approved: Approved | None = None
    for_approval: bool = False
    settings: Outcome | None = None
    account: Object | None = None  # its settings, if they were read
    _input_order: list[Outcome | str] = field(default_factory=list)  # outcomes of invalid circuits, names of the valid ones
    _chains: dict[str, Chain] = field(default_factory=dict)
    _declared: dict[str, Circuit] = field(default_factory=dict)
    _records: Mapping[str, Object] = field(default_factory=dict)
    _files_on_disk: dict[str, FilesOnDisk] = field(default_factory=dict)
    _default_names: dict[str, str | None] = field(default_factory=dict)  # of LOAs, by interconnect
    _record_warnings: dict[str, str] = field(default_factory=dict)
    _demand_warnings: Sequence[str] = ()
    _snapshot: Snapshot = field(default_factory=Snapshot)

    def __post_init__(self) -> None:
        """Checks each circuit by itself, before anything is read: an invalid one fails alone."""
        remaining, times = iter(self.circuits), Counter(circuit['name'] for circuit in self.circuits)
        for position in range(len(self.circuits) + len(self.invalid_items)):
            entry = self.invalid_items.get(position) or self._checked_circuit(next(remaining), times)
            self._input_order.append(entry if isinstance(entry, str) else Outcome(entry.name, result=ChainResult(error=entry.error)))

    def _checked_circuit(self, circuit: Circuit, times: Mapping[str, int]) -> str | InvalidItem:
        """The name of a valid circuit, as far as its own options show, or the invalid item."""
        name = circuit['name']
        try:
            if times[name] > 1:
                raise InputError('name', f'{times[name]} circuits have the name {name!r}.', 'a unique name')
            if times[circuit.get('previous_name')]:
                raise InputError('previous_name', f'{circuit["previous_name"]!r} is also the name of a circuit in the list.')
            if circuit.get('loa_name'):
                checked_value('loa_name', circuit['loa_name'], check_loa_name, [])
            if not self._is_absent(circuit):
                self._chains[name] = [desired._replace(force=self.guards.force) for desired in desired_chain(circuit, self.steps)]
        except InputError as error:
            return InvalidItem(name, error)
        self._declared[name] = circuit
        return name

    def _is_absent(self, circuit: Circuit) -> bool:
        """Whether the user declares that the circuit is to be deleted."""
        return self.state == 'deleted' or circuit.get('state') == 'absent'

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the options, of the records and of what sites need."""
        texts = [f'{name}: {text}' for name, chain in self._chains.items() for desired in chain for text in desired.warnings]
        return [*texts, *(f'{name}: {text}' for name, text in self._record_warnings.items()), *self._demand_warnings]

    # The plan.

    @property
    def _prefetch(self) -> list[str]:
        """The lists that are read in any case."""
        chain_objects = [desired for chain in self._chains.values() for desired in chain]
        rows = {desired.row.name for desired in chain_objects}
        rows |= {INTERCONNECT.name, CNI.name} if self._file_steps and self._chains else set()
        tunnels = self.state == 'overridden' or any(desired.replace for desired in chain_objects)
        has_bgp = any(self._declared[name].get('bgp') for name in self._chains)
        asn = self.default_asn is not None or ('handover' in self._file_steps and has_bgp)
        return [*(row.name for row in (CNI, INTERCONNECT, ROUTE) if row.name in rows), *([TUNNEL.name] if tunnels else []),
                *([SETTINGS.name] if asn else [])]

    @property
    def _file_steps(self) -> list[str]:
        """The steps that write files."""
        return [step for step in ('loa', 'handover') if self.folder and step in self.steps]

    def plan_outcomes(self, snapshot: Snapshot) -> list[Outcome]:
        """The planned outcome of each circuit, in the order of the list; surplus ones come last. Raises InputError, Unread."""
        snapshot.planned_selectors.update(dict.fromkeys(self.later))
        outcomes = self._guarded_outcomes(snapshot)
        self.settings = self._settings_outcome(snapshot)
        self._record_warnings = dict(self._record_contradictions(outcomes, snapshot))
        if self.site_demand:
            self._demand_warnings = demand_warnings(self.site_demand, self._circuit_interconnects(outcomes, snapshot))
        self._plan_files(outcomes, snapshot)
        self._snapshot = snapshot
        return [*(entry if isinstance(entry, Outcome) else outcomes.pop(entry) for entry in self._input_order), *outcomes.values()]

    def _guarded_outcomes(self, snapshot: Snapshot) -> dict[str, Outcome]:
        """The outcomes within the guards. A delete that is held back frees no slot, so the other circuits are planned anew without it."""
        not_done: dict[str, Outcome] = {}
        names: list[str] = []
        while True:
            chains = self._desired_chains(snapshot, not_done)
            names, order = names or [*chains], planning_order(chains)
            planned = dict(zip(order, plan_chains([chains[name] for name in order], snapshot, self.to_error), strict=True))
            valid = {name: planned[name] for name in chains if not isinstance(planned[name], CniError)}
            refused = self._unapproved(valid, snapshot)
            not_done |= {name: _outcome(name, error) for name, error in refused.items()}
            if any(not _orders(valid[name]) for name in refused):
                continue
            # A port that is not ordered after all keeps its slot in this plan: the others get theirs, as approved.
            valid = {name: changes for name, changes in valid.items() if name not in refused}
            held = held_back(valid, self.guards, snapshot, chains.keys() - self._declared.keys())
            if not (held.refused or held.deferred):
                final = {name: with_status(valid[name], snapshot) if name in valid else planned[name] for name in chains}
                return {name: not_done.get(name) or _outcome(name, final[name]) for name in names}
            not_done |= {name: _outcome(name, error) for name, error in held.refused.items()}
            not_done |= {name: Outcome(name, deferred=reason, deferred_changes=valid[name]) for name, reason in held.deferred.items()}

    def _unapproved(self, planned: Mapping[str | None, Sequence[Change]], snapshot: Snapshot) -> dict[str | None, CniError]:
        """{circuit: how its plan differs from the approved one}, None for the settings of the account. Raises Unread for statuses."""
        if self.approved is None:
            return {}

        def error_of(name: str | None) -> CniError | None:
            plan = self._planned_circuit(snapshot.account, name, with_status(planned[name], snapshot))
            return approval_error(plan, self.approved, lambda: is_live(planned[name], snapshot))

        return {name: error for name, error in zip(planned, map_all_reads(error_of, planned), strict=True) if error}

    def _planned_circuit(self, account: str, name: str | None, changes: Iterable[Change], **shown: Any) -> PlannedCircuit:
        """The plan of a circuit, as it is approved."""
        declared = {'default_asn': self.default_asn} if name is None else ABSENT
        if name in self._chains:
            declared = declared_values(self._declared[name])
        return planned_circuit(account, name, declared, changes, **shown)

    def plan_for_approval(self, outcomes: Iterable[Outcome], account: str) -> dict[str, Any]:
        """The plan for a change board. A circuit that waits for the next run is in it, as it is to be approved with the others."""
        outcomes = list(outcomes)
        planned = [outcome for outcome in outcomes if not (outcome.result.error or outcome.result.skipped)]
        circuits = [self._planned_circuit(account, outcome.name, outcome.changes or outcome.deferred_changes, outcome=outcome.state,
                                          status=_status_of(outcome), deferred=outcome.deferred) for outcome in planned]
        settings = [self._planned_circuit(account, None, self.settings.changes)] if self.settings and not self.settings.result.error else []
        left_out = {outcome.name: str(outcome.result.error or 'skipped, as another one failed') for outcome in outcomes
                    if outcome not in planned}
        return plan_result([*settings, *circuits], left_out)

    def _desired_chains(self, snapshot: Snapshot, without: Container[str]) -> dict[str, Chain]:
        """{circuit: its desired objects}: those that are deleted, then the others."""
        recorded = self.folder is not None
        absent = [circuit for name, circuit in self._declared.items() if name not in self._chains]
        chains = {name: chain for name, chain in self._chains.items() if name not in without}
        chains = {name: with_replaced_name(name, chain, snapshot) if recorded else chain for name, chain in chains.items()}
        if self.state == 'overridden' and 'interconnect' in self.steps:
            chains = {name: [*half_deleted_chain(name, snapshot), *chain] for name, chain in chains.items()}
            surplus = dict.fromkeys([*surplus_circuits(snapshot, self._kept_names()), *self._half_deleted(snapshot)])
            absent += [{'name': name, 'routes': [] if self.purge_routes else None} for name in surplus]
        # Deletes first: the slots that they free can be ordered.
        return delete_chains([circuit for circuit in absent if circuit['name'] not in without], snapshot, recorded) | chains

    def _half_deleted(self, snapshot: Snapshot) -> list[str]:
        """The circuits of this account that an earlier run had begun to delete when it ended: maybe only their files are left."""
        kept = self._kept_names()
        return [name for name, record in self._records.items() if record.get(DELETING) == snapshot.account and name not in kept]

    def _kept_names(self) -> set[str]:
        """The names of the list, invalid items included. Raises InputError if one has no name: it may be any circuit."""
        nameless = [item.name for position, item in self.invalid_items.items() if item.name == f'circuits[{position}]']
        if nameless:
            raise InputError('circuits', f'{", ".join(nameless)} has no name, so it is unknown which circuits overridden may delete.')
        return {item if isinstance(item, str) else item.name for item in self._input_order} | self._renamed.keys()

    @property
    def _renamed(self) -> dict[str, str]:
        """{previous name: name} of the circuits that have one."""
        return {old: name for name, circuit in self._declared.items() if (old := circuit.get('previous_name'))}

    def _settings_outcome(self, snapshot: Snapshot) -> Outcome | None:
        """The outcome of the account's settings, if they are to be set."""
        if self.default_asn is None or 'settings' not in self.steps:
            return None
        planned = plan_chains([[desired_object(SETTINGS, {'default_asn': self.default_asn})]], snapshot, self.to_error)[0]
        refused = {} if isinstance(planned, CniError) else self._unapproved({None: planned}, snapshot)
        return _outcome('', refused.get(None, planned))

    def _record_contradictions(self, outcomes: Mapping[str, Outcome], snapshot: Snapshot) -> Iterable[tuple[str, str]]:
        """(circuit, warning) where a record names an interconnect that is not the circuit's."""
        for name, outcome in outcomes.items():
            changes = [change for change in outcome.changes if change.row.name == INTERCONNECT.name]
            interconnects = {obj['name'] for change in changes for obj in (change.before, change.after) if obj}
            recorded = snapshot.recorded_interconnects.get(name)
            if recorded is None or not interconnects or recorded in interconnects:
                continue
            reason = record_contradiction(name, snapshot) or 'it is recorded for another circuit of this run too'
            yield name, f'its record names interconnect {recorded!r}, but {reason}: the record is ignored.'

    def _circuit_interconnects(self, outcomes: Mapping[str, Outcome], snapshot: Snapshot) -> list[Object]:
        """The interconnect of each circuit of the account as it is after the run, where it is known. Raises Unread."""
        planned = {name: objects for name, outcome in outcomes.items()
                   if (objects := outcome.planned_objects).keys() & {INTERCONNECT.name, CNI.name}}
        changed = {change.before[CNI.id] for outcome in outcomes.values() for change in outcome.changes
                   if change.row.name == CNI.name and change.before}
        kept = [{CNI.name: cni} for cni in snapshot.objects(CNI.name)
                if cni[CNI.id] not in changed and get(cni, 'magic.conduit_name') not in planned]
        current = {obj[INTERCONNECT.id]: obj for obj in snapshot.objects(INTERCONNECT.name)}
        return [objects.get(INTERCONNECT.name) or current.get(objects[CNI.name].get(CNI.parent[1]), {})
                for objects in (*planned.values(), *kept)]

    # The run.

    def run(self, client: Client, check_mode: bool, on_progress: Progress = lambda done, total: None) -> list[Outcome]:
        """Reads, plans and, but for check mode, writes. on_progress: called with the numbers of circuits that are done, and of all."""
        outcomes = self._planned(client)
        if check_mode and self.validate:
            self._validate_updates(client, outcomes)
        if self._stopped_by_failure(outcomes) or check_mode:
            self._read_statuses(client, outcomes, 0)
            return outcomes
        with ExitStack() as lock:
            if any(map(self._takes_interconnect, outcomes)):
                lock.enter_context(self.folder.lock(client.retry_timeout, client.back_off, client.clock))
                outcomes = self._planned(client)
            self._write_account(client, outcomes, on_progress, lock.close)
        self._write_files(client, outcomes)
        self._read_statuses(client, outcomes, self.wait_timeout)
        return outcomes

    def _validate_updates(self, client: Client, outcomes: Iterable[Outcome]) -> None:
        """Has Cloudflare validate the updates that are planned. What it refuses is the failure of that circuit."""
        planned = [(outcome, change) for outcome in outcomes if not outcome.result.error for change in outcome.changes]
        refused = {id(change): error for change, error in validate_updates(client, [change for _outcome, change in planned])}
        for outcome, change in planned:
            if id(change) in refused:
                outcome.result.add_failure(refused[id(change)])

    def _planned(self, client: Client) -> list[Outcome]:
        """The outcomes as planned for the account and the records as they are now."""
        snapshot = Snapshot()
        if self.folder:
            self._records, self._files_on_disk = self.folder.records(), {}
            recorded = {name: interconnect for name, record in self._records.items() if (interconnect := get(record, 'interconnect.name'))}
            renamed = {self._renamed[name]: interconnect for name, interconnect in recorded.items() if name in self._renamed}
            snapshot.set_records(renamed | {name: interconnect for name, interconnect in recorded.items() if name not in self._renamed})
        outcomes = observe(client, self.plan_outcomes, snapshot, prefetch=self._prefetch)
        self._read_default_names(client, outcomes)
        return outcomes

    def _read_default_names(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """Reads the names of the LOAs that are to be fetched and are given none, and plans the files with them."""
        interconnects = {outcome.name: name for outcome in outcomes if (name := _interconnect_of_unnamed_loa(outcome.file_changes))}
        asked = list(dict.fromkeys(interconnects.values()))
        self._default_names |= zip(asked, run_concurrently(partial(default_loa_name, client), asked), strict=True)
        if asked:
            self._plan_files({outcome.name: outcome for outcome in outcomes if outcome.name in interconnects}, self._snapshot)

    def _stopped_by_failure(self, outcomes: Iterable[Outcome]) -> bool:
        """Whether fail_fast stops the run before anything is written; the circuits are then skipped."""
        outcomes = [*outcomes, *([self.settings] if self.settings else [])]
        if not (self.fail_fast and any(outcome.result.error for outcome in outcomes)):
            return False
        for outcome in outcomes:
            outcome.result.skipped = outcome.state not in ('failed', 'unchanged', 'deferred')
        return True

    def _takes_interconnect(self, outcome: Outcome) -> bool:
        """Whether a circuit orders an interconnect, or uses one that no circuit is known to own."""
        change = _interconnect_change(outcome.changes)
        if self.folder is None or outcome.result.error or change is None:
            return False
        has_cni = self._snapshot.matching(CNI.name, 'magic.conduit_name', outcome.name)
        return change.action == 'create' or not (has_cni or self._snapshot.recorded_interconnects.get(outcome.name) == change.after['name'])

    def _write_account(self, client: Client, outcomes: Sequence[Outcome], on_progress: Progress, release: Callable[[], None]) -> None:
        """Writes the changes of the account. release: called as soon as all new owners of interconnects are on record."""
        if self.settings and self.settings.has_writes:
            (self.settings.result,) = apply_chains(client, [self.settings.changes], to_error=self.to_error)
        if self._stopped_by_failure(outcomes):
            return
        self._record_deletes(client.account_id, outcomes)
        pending = [outcome for outcome in outcomes if outcome.has_writes or self._takes_interconnect(outcome)]
        counter = ChainCounter(len(pending), {number for number, outcome in enumerate(pending) if self._takes_interconnect(outcome)},
                               on_progress, release)

        def on_written(number: int, change: Change) -> None:
            if self.folder and change.row.name == INTERCONNECT.name and change.answer and change.after:
                self._record_interconnect(pending[number], change.answer['name'])
                counter.on_record(number)

        chains = [split_follow_ups(outcome.changes)[0] for outcome in pending]
        results = apply_chains(client, chains, workers=self.workers, fail_fast=self.fail_fast, on_end=counter.ended, on_written=on_written,
                               to_error=self.to_error)
        for outcome, result in zip(pending, results, strict=True):
            outcome.result = result
        created = [outcome for outcome in pending if not (outcome.result.error or outcome.result.skipped)]
        self._write_follow_ups(client, [outcome for outcome in created if split_follow_ups(outcome.changes)[1]])

    def _write_follow_ups(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """Writes the health checks of new interconnects. They have just been created, so they are not read again."""
        if not outcomes:
            return
        try:
            checks = [[follow_up_of(change, outcome.result.written) for change in split_follow_ups(outcome.changes)[1]]
                      for outcome in outcomes]
            planned = observe(client, lambda snapshot: plan_chains(checks, snapshot, self.to_error))
        except Exception as error:  # what was written is in the outcomes
            planned = [self.to_error(error)] * len(outcomes)
        chains = [[] if isinstance(changes, CniError) else [change._replace(just_created=True) for change in changes]
                  for changes in planned]
        results = apply_chains(client, chains, workers=self.workers, to_error=self.to_error)
        for outcome, changes, result in zip(outcomes, planned, results, strict=True):
            error = changes if isinstance(changes, CniError) else result.error
            outcome.result.written += result.written
            if error:
                outcome.result.add_failure(error)

    # The files.

    def _record_interconnect(self, outcome: Outcome, interconnect: str, deleting: str | None = None) -> None:
        """Records which interconnect a circuit has, and whether it is about to be deleted. Raises CniError that names it."""
        record = self._records.get(outcome.name)
        if get(record, 'interconnect.name') == interconnect and (not deleting or record.get(DELETING) == deleting):
            return
        try:
            self.folder.write_record(outcome.name, interconnect, deleting)
        except CniError as error:
            error.notes.append(f'The interconnect of {outcome.name} is {interconnect!r}. Nothing else was done, as it is not recorded.')
            raise

    def _record_deletes(self, account: str, outcomes: Iterable[Outcome]) -> None:
        """Records which interconnects are about to be deleted: once its CNI is deleted, nothing else leads to one.

        A circuit that is deleted for good is marked, so that the next run finds files that are all that is left of it.
        """
        for outcome in outcomes if self.folder else ():
            deleted = {change.row.name: change.before for change in outcome.changes if change.action == 'delete'}
            recorded = outcome.name in self._records and get(deleted.get(CNI.name), 'interconnect')
            interconnect = get(deleted.get(INTERCONNECT.name), 'name') or recorded
            with outcome.result.catching(self.to_error):
                if interconnect:
                    self._record_interconnect(outcome, interconnect, account if self._is_deleted(outcome) else None)

    def _plan_files(self, outcomes: Mapping[str, Outcome], snapshot: Snapshot) -> None:
        """Plans the files of each circuit. Raises Unread."""
        if not self.folder:
            return
        staying = [outcome for outcome in outcomes.values() if not (outcome.result.error or outcome.deferred or self._is_deleted(outcome))]
        facts = dict(zip((outcome.name for outcome in staying), map_all_reads(lambda outcome: self._facts(outcome, snapshot), staying),
                         strict=True))
        for name, outcome in outcomes.items():
            with outcome.result.catching(self.to_error):
                outcome.file_changes = self._file_changes_of(outcome, facts.get(name))

    def _is_deleted(self, outcome: Outcome) -> bool:
        """Whether the circuit is to be deleted."""
        return outcome.name not in self._chains

    def _file_changes_of(self, outcome: Outcome, facts: CircuitFacts | None, steps: Sequence[str] | None = None) -> list[Change]:
        """The changes of the files of a circuit; without facts it is deleted, and they are removed."""
        if outcome.deferred or (outcome.result.error and not steps):
            return []
        if outcome.name not in self._files_on_disk:
            self._files_on_disk[outcome.name] = self.folder.on_disk(outcome.name)
        files = self._files_on_disk[outcome.name]
        if facts is None:
            return self.folder.plan_removal(outcome.name, files)
        outcome.file_paths = self.folder.file_paths(facts)
        return [change for change in self.folder.plan_files(facts, steps or self.steps, files) if change.action != 'none']

    def _facts(self, outcome: Outcome, snapshot: Snapshot) -> CircuitFacts:
        """The facts for the files of a circuit: objects that this run plans or has written, else current ones. Raises Unread.

        Sets outcome.current, and account if the hand-over has its settings.
        """
        circuit, for_handover = self._declared[outcome.name], 'handover' in self._file_steps
        interconnect, cni, tunnel = (outcome.planned_objects.get(row.name) for row in (INTERCONNECT, CNI, TUNNEL))
        cni = cni or next(iter(snapshot.matching(CNI.name, 'magic.conduit_name', outcome.name)), None)
        name = get(interconnect, 'name') or get(cni, 'interconnect') or circuit.get('interconnect')
        interconnect = interconnect or next(iter(objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot) if name else ()), None)
        if not tunnel and for_handover and any(map(circuit.get, TUNNEL_BLOCKS)) and name not in (None, UNKNOWN):
            tunnel = next(iter(objects_by_key(TUNNEL, TUNNEL.keys[0], name, snapshot)), None)
        if self._gets_new_target(outcome, tunnel):
            tunnel = merge(tunnel, {EFFECTIVE_TARGET: UNKNOWN})
        settings = self._account_settings(snapshot) if for_handover and get(cni, 'bgp') else None
        outcome.current = {row.name: obj for row, obj in ((INTERCONNECT, interconnect), (CNI, cni), (TUNNEL, tunnel)) if obj}
        return CircuitFacts(outcome.name, interconnect, cni, tunnel, settings, loa_name=circuit.get('loa_name'),
                            routes=self._handover_routes(outcome, cni, snapshot) if for_handover else None,
                            default_loa_name=self._default_names.get(name, UNKNOWN))

    def _account_settings(self, snapshot: Snapshot) -> Object | None:
        """The settings of the account, as this run has planned or written them, else the current ones. Raises Unread."""
        planned = self.settings and self.settings.objects.get(SETTINGS.name)
        self.account = planned or next(iter(snapshot.objects(SETTINGS.name)), None)
        return self.account

    def _handover_routes(self, outcome: Outcome, cni: Object | None, snapshot: Snapshot) -> list[Object] | None:
        """The static routes to a circuit; None if it declares none. Raises Unread."""
        if self._declared[outcome.name].get('routes') is None:
            return None
        if 'routes' in self.steps:
            return outcome.routes or []
        return sorted(routes_to(cni or {}, snapshot), key=sort_key_of_route)

    def _gets_new_target(self, outcome: Outcome, tunnel: Object | None) -> bool:
        """Whether the CNI gets an address in this run, from which Cloudflare calculates the target, and no answer has returned that yet."""
        new_address = any(change.row.name == CNI.name and change.after and get(change.before, 'cust_ip') != change.after.get('cust_ip')
                          for change in outcome.changes)
        returned = any(change.row.name == TUNNEL.name and change.action == 'update' for change in outcome.result.written)
        return bool(tunnel) and new_address and not returned and not get(tunnel, 'health_check.target.saved')

    def _write_files(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """Writes the files of all circuits: those that failed after their order get their LOA all the same."""
        stopped = self.fail_fast and any(outcome.result.error for outcome in outcomes)
        for outcome in outcomes if stopped else ():
            outcome.result.skipped = outcome.result.skipped or bool(outcome.file_changes and not outcome.result.written)
        pending = [outcome for outcome in outcomes if self.folder and not outcome.result.skipped and self._needs_files(outcome)]
        run_concurrently(partial(self._write_circuit_files, client), pending, self.workers)

    def _needs_files(self, outcome: Outcome) -> bool:
        if not outcome.result.error:
            return bool(outcome.file_changes or outcome.has_writes)
        return 'loa' in self._file_steps and not self._is_deleted(outcome) and bool(outcome.objects.get(INTERCONNECT.name))

    def _write_circuit_files(self, client: Client, outcome: Outcome) -> None:
        """Writes or removes the files of a circuit. One that failed after its order gets its LOA alone.

        What check mode could not know is read first: the target that Cloudflare calculates, and the default name on the LOA.
        """
        with outcome.result.catching(self.to_error):
            if self._is_deleted(outcome):
                self.folder.write_changes(client, self.folder.plan_removal(outcome.name, self.folder.on_disk(outcome.name)))
                return
            failed = outcome.result.error is not None
            facts = self._facts(outcome, self._snapshot)
            if get(facts.tunnel, EFFECTIVE_TARGET) == UNKNOWN and not failed:
                facts = facts._replace(tunnel=next(iter(read_objects(client, TUNNEL.name, facts.tunnel[TUNNEL.id])), facts.tunnel))
            steps = ['loa'] if failed else None
            changes = self._file_changes_of(outcome, facts, steps)
            if interconnect := _interconnect_of_unnamed_loa(changes):
                facts = facts._replace(default_loa_name=default_loa_name(client, interconnect))
                changes = self._file_changes_of(outcome, facts, steps)
            written = self.folder.write_changes(client, changes)
            outcome.result.partial += written if failed else []
            planned = {change.row.name: change for change in outcome.file_changes}  # as check mode shows them
            outcome.file_changes = [planned.get(change.row.name, change) for change in changes]

    # The status.

    def _read_statuses(self, client: Client, outcomes: Sequence[Outcome], timeout: float) -> None:
        """Reads the status of the circuits that ask for it, and waits for those with wait_for."""
        awaited = [(outcome, name) for outcome in outcomes if (name := self._awaited_interconnect(outcome))]
        goals: dict[str, set[str]] = {}  # {interconnect: the states to wait for}; circuits that share one wait for what they agree on
        for outcome, name in awaited:
            goal = states_of(self._declared[outcome.name].get('wait_for'))
            goals[name] = (goals.get(name, goal) & goal) or goal
        statuses = self._statuses(client, goals, timeout, [outcome for outcome, _name in awaited])
        for outcome, name in awaited if statuses is not None else ():
            status, goal = statuses.get(name), goals[name]
            outcome.status = status and {'interconnect': name, 'state': status.get('state'), 'reason': status.get('reason')}
            outcome.reached = get(status, 'state') in goal if goal else None

    def _awaited_interconnect(self, outcome: Outcome) -> str | None:
        """The interconnect of a circuit whose status is asked for."""
        circuit = self._declared.get(outcome.name)
        if circuit is None or self._is_deleted(outcome) or outcome.result.error or outcome.result.skipped:
            return None
        asked = 'status' in self.steps and (self.read_status or circuit.get('wait_for'))
        if not (asked or (self.for_approval and outcome.has_writes)):
            return None
        name = get(outcome.objects, 'interconnect.name') or get(outcome.objects, 'cni.interconnect') or circuit.get('interconnect')
        return None if name == UNKNOWN else name

    def _statuses(self, client: Client, goals: Mapping[str, Collection[str]], timeout: float,
                  outcomes: Iterable[Outcome]) -> dict[str, Object] | None:
        """{interconnect: its status}; None if that cannot be read, which fails all of these circuits."""
        try:
            return wait_for_states(client, goals, timeout) if goals else {}
        except Exception as error:  # what was written is in the outcomes
            for outcome in outcomes:
                outcome.result.add_failure(self.to_error(error))
            return None


def _interconnect_of_unnamed_loa(changes: Iterable[Change]) -> str | None:
    """The interconnect of an LOA that is to be fetched without a name, while the default name is not known yet.

    None if there is no such LOA, or if its interconnect is new, and so has no default name yet.
    """
    loa = next((change.after['content'] for change in changes if change.row is LOA and change.after), None)
    if get(loa, 'default_name') != UNKNOWN or loa['interconnect'] == UNKNOWN:
        return None
    return loa['interconnect']


def _interconnect_change(changes: Iterable[Change]) -> Change | None:
    """The change of the interconnect that a circuit is on."""
    return next((change for change in changes if change.row.name == INTERCONNECT.name and change.after), None)


def _orders(changes: Iterable[Change]) -> bool:
    """Whether a circuit only comes into being."""
    actions = {(change.row.name, change.action) for change in changes}
    return (INTERCONNECT.name, 'create') in actions and 'delete' not in {action for _row, action in actions}


def _status_of(outcome: Outcome) -> str | None:
    """The state of the interconnect that a circuit has, where it was read."""
    read = (get(change.before, 'status') for change in (*outcome.changes, *outcome.deferred_changes))
    return get(outcome.status, 'state') or next(filter(None, read), None)


def _outcome(name: str, planned: list[Change] | CniError) -> Outcome:
    return Outcome(name, result=ChainResult(error=planned)) if isinstance(planned, CniError) else Outcome(name, schedule(planned))

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of rollout: one read of the account, one plan, concurrent writes; then the files, and the status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._approval import STDOUT, plan_text, read_approved
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, follow_up_of, split_follow_ups
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuit_files import CircuitFiles
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import gathered_circuits
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import ArtifactsFolder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import guards_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._outcomes import Outcome, rollout_error, rollout_result
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._progress import (
    ChainCounter,
    Progress,
    progress_reporter,
    wait_reporter,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import validate_updates
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, ROUTE, TUNNEL, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STEPS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import check_site_demand, states_of, wait_for_states
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import warn_changed_addresses


def rollout_work(task: Task) -> dict[str, Any]:
    """The work of the module rollout."""
    if task.params['state'] == 'gathered':
        return _gathered_result(task)
    rollout = _rollout_from_options(task)
    task.client.on_wait = wait_reporter(task)
    try:
        outcomes = rollout.run(task.client, task.module.check_mode, progress_reporter(task))
    finally:
        for text in rollout.plan.warnings:
            task.module.warn(text)
    for outcome in outcomes:
        warn_changed_addresses(task.module.warn, outcome.name, outcome.addresses)
    result = rollout_result(outcomes, rollout.plan.settings, rollout.files.account)
    if rollout.for_approval:
        result['plan'] = _written_plan(rollout.plan.plan_for_approval(outcomes, task.client.account_id), task.params['plan_file'])
    failure = rollout_error(outcomes, rollout.plan.settings, result)
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
    others = [ArtifactsFolder(path, warn=task.module.warn) for path in params['other_artifacts_dirs'] or () if folder]
    others = [other for other in others if other.path != folder.path]
    steps = STEPS if params['steps'] is None else params['steps']
    check_site_demand(params['site_demand'])
    plan = RolloutPlan(
        params['circuits'], params['state'], guards_of(params), to_error=task.to_error, invalid_items=task.invalid_items, steps=steps,
        default_asn=params['default_asn'], later=params['later'] or (), diversity=params['diversity'] or (),
        purge_routes=params['purge_routes'], site_demand=params['site_demand'] or {}, approved=read_approved(params['approved_plan']))
    return Rollout(
        plan, CircuitFiles(folder, plan, others), workers=params['concurrency'], fail_fast=params['fail_fast'],
        read_status='status' in (params['steps'] or ()), wait_timeout=params['wait_timeout'], validate=params['validate'],
        for_approval=bool(params['plan_file'] and task.module.check_mode))


@dataclass
class Rollout:
    """A run of rollout.

    workers: circuits that are written at the same time; read_status: of all circuits, not only those that wait; wait_timeout: seconds;
    validate: in check mode Cloudflare validates the updates; for_approval: whether this is check mode, and makes a plan to be approved.
    """

    plan: RolloutPlan
    files: CircuitFiles
    workers: int = 8
    fail_fast: bool = False
    read_status: bool = False
    wait_timeout: float = 0
    validate: bool = False
    for_approval: bool = False
    _snapshot: Snapshot = field(default_factory=Snapshot)

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
                lock.enter_context(self.files.lock(client))
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
        self.files.read_records(snapshot)
        outcomes = observe(client, self._plan_with_files, snapshot, prefetch=self.plan.prefetch)
        if self.files.folder and any(map(self._writes_files, outcomes)):
            self.files.folder.check()
        self.files.read_default_names(client, outcomes, self._snapshot)
        return outcomes

    def _writes_files(self, outcome: Outcome) -> bool:
        """Whether the run writes a file of a circuit: one that is planned, or its record before an order, a use or a deletion."""
        deletes = any(change.action == 'delete' and change.row.name in (CNI.name, INTERCONNECT.name) for change in outcome.changes)
        return bool(outcome.file_changes) or deletes or self._takes_interconnect(outcome)

    def _plan_with_files(self, snapshot: Snapshot) -> list[Outcome]:
        """The plan, with that of the files. Raises InputError, Unread."""
        outcomes = self.plan.plan_outcomes(snapshot)
        self.files.plan_files(outcomes, snapshot)
        self._snapshot = snapshot
        return outcomes

    def _stopped_by_failure(self, outcomes: Iterable[Outcome]) -> bool:
        """Whether fail_fast stops the run before anything is written; the circuits are then skipped."""
        outcomes = [*outcomes, *([self.plan.settings] if self.plan.settings else [])]
        if not (self.fail_fast and any(outcome.result.error for outcome in outcomes)):
            return False
        for outcome in outcomes:
            outcome.result.skipped = outcome.state not in ('failed', 'unchanged', 'deferred')
        return True

    def _takes_interconnect(self, outcome: Outcome) -> bool:
        """Whether a circuit orders an interconnect, or uses one that no circuit is known to own."""
        change = _interconnect_change(outcome.changes)
        if self.files.folder is None or outcome.result.error or change is None:
            return False
        has_cni = self._snapshot.matching(CNI.name, 'magic.conduit_name', outcome.name)
        return change.action == 'create' or not (has_cni or self._snapshot.recorded_interconnects.get(outcome.name) == change.after['name'])

    def _write_account(self, client: Client, outcomes: Sequence[Outcome], on_progress: Progress, release: Callable[[], None]) -> None:
        """Writes the changes of the account. release: called as soon as all new owners of interconnects are on record."""
        if self.plan.settings and self.plan.settings.has_writes:
            (self.plan.settings.result,) = apply_chains(client, [self.plan.settings.changes], to_error=self.plan.to_error)
        if self._stopped_by_failure(outcomes):
            return
        self.files.record_deletes(client.account_id, outcomes)
        pending = [outcome for outcome in outcomes if outcome.has_writes or self._takes_interconnect(outcome)]
        counter = ChainCounter(len(pending), {number for number, outcome in enumerate(pending) if self._takes_interconnect(outcome)},
                               on_progress, release)

        def on_written(number: int, change: Change) -> None:
            if self.files.folder and change.row.name == INTERCONNECT.name and change.answer and change.after:
                self.files.record_interconnect(pending[number], change.answer['name'])
                counter.on_record(number)

        chains = [split_follow_ups(outcome.changes)[0] for outcome in pending]
        results = apply_chains(client, chains, workers=self.workers, fail_fast=self.fail_fast, on_end=counter.ended, on_written=on_written,
                               to_error=self.plan.to_error)
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
            planned = observe(client, lambda snapshot: plan_chains(checks, snapshot, self.plan.to_error))
        except Exception as error:  # what was written is in the outcomes
            planned = [self.plan.to_error(error)] * len(outcomes)
        chains = [[] if isinstance(changes, CniError) else [change._replace(just_created=True) for change in changes]
                  for changes in planned]
        results = apply_chains(client, chains, workers=self.workers, to_error=self.plan.to_error)
        for outcome, changes, result in zip(outcomes, planned, results, strict=True):
            error = changes if isinstance(changes, CniError) else result.error
            outcome.result.written += result.written
            if error:
                outcome.result.add_failure(error)

    def _write_files(self, client: Client, outcomes: Sequence[Outcome]) -> None:
        """Writes the files. With fail_fast, a circuit that only has files to write is skipped once another one has failed."""
        stopped = self.fail_fast and any(outcome.result.error for outcome in outcomes)
        for outcome in outcomes if stopped else ():
            outcome.result.skipped = outcome.result.skipped or bool(outcome.file_changes and not outcome.result.written)
        self.files.write(client, outcomes, self._snapshot, self.workers)

    # The status.

    def _read_statuses(self, client: Client, outcomes: Sequence[Outcome], timeout: float) -> None:
        """Reads the status of the circuits that ask for it, and waits for those with wait_for."""
        awaited = [(outcome, name) for outcome in outcomes if (name := self._awaited_interconnect(outcome))]
        goals: dict[str, set[str]] = {}  # {interconnect: the states to wait for}; circuits that share one wait for what they agree on
        for outcome, name in awaited:
            goal = states_of(self.plan.declared[outcome.name].get('wait_for'))
            goals[name] = (goals.get(name, goal) & goal) or goal
        statuses = self._statuses(client, goals, timeout, [outcome for outcome, _name in awaited])
        for outcome, name in awaited if statuses is not None else ():
            status, goal = statuses.get(name), goals[name]
            outcome.status = status and {'interconnect': name, 'state': status.get('state'), 'reason': status.get('reason')}
            outcome.reached = get(status, 'state') in goal if goal else None

    def _awaited_interconnect(self, outcome: Outcome) -> str | None:
        """The interconnect of a circuit whose status is asked for."""
        circuit = self.plan.declared.get(outcome.name)
        if circuit is None or self.plan.is_deleted(outcome) or outcome.result.error or outcome.result.skipped:
            return None
        is_requested = 'status' in self.plan.steps and (self.read_status or circuit.get('wait_for'))
        if not (is_requested or (self.for_approval and outcome.has_writes)):
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
                outcome.result.add_failure(self.plan.to_error(error))
            return None


def _interconnect_change(changes: Iterable[Change]) -> Change | None:
    """The change of the interconnect that a circuit is on."""
    return next((change for change in changes if change.row.name == INTERCONNECT.name and change.after), None)

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the circuits of a run: records before an interconnect is used or deleted, LOAs and hand-overs after all writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import TUNNEL_BLOCKS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import DELETING, ArtifactsFolder, CircuitFacts, FilesOnDisk
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import routes_to
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import default_loa_name
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects, run_concurrently
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._outcomes import Outcome
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, LOA, SETTINGS, TUNNEL, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    map_all_reads,
    objects_by_field,
    objects_by_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route

EFFECTIVE_TARGET = 'health_check.target.effective'  # calculated from the address of the CNI, unless one was saved


@dataclass
class CircuitFiles:
    """The files of the circuits of a run.

    folder: None if they have none; others: the folders of circuits that other runs make; account: its settings, if they were read.
    """

    folder: ArtifactsFolder | None
    plan: RolloutPlan
    others: Sequence[ArtifactsFolder] = ()
    account: Object | None = None
    _on_disk: dict[str, FilesOnDisk] = field(default_factory=dict)
    _default_names: dict[str, str | None] = field(default_factory=dict)  # of LOAs, by interconnect

    # The records.

    def read_records(self, snapshot: Snapshot) -> None:
        """Reads the records anew, for the plan."""
        if self.folder:
            self.plan.records, self._on_disk = self.folder.records(), {}
            of_others = {name: interconnect for folder in self.others for name, record in folder.records().items()
                         if (interconnect := get(record, 'interconnect.name')) and name not in self.plan.declared}
            snapshot.set_records(of_others | self.plan.recorded_interconnects())

    @contextmanager
    def lock(self, client: Client) -> Iterator[None]:
        """Locks the folder against other runs that order for its circuits, and the other folders that exist.

        Each run makes its own folder first, so of two runs one sees that of the other. All lock them in the same order.
        """
        self.folder.make()
        with ExitStack() as stack:
            for folder in sorted([self.folder, *(other for other in self.others if other.is_writable)], key=lambda folder: folder.path):
                stack.enter_context(folder.lock(client.retry_timeout, partial(self._wait_for_run, client, folder.path), client.clock))
            yield

    def _wait_for_run(self, client: Client, folder: str, attempt: int, longest: float) -> None:
        client.on_wait(f'another run is ordering for circuits of the folder {folder}')
        client.back_off(attempt, longest)

    def record_interconnect(self, outcome: Outcome, interconnect: str, deleting: str | None = None) -> None:
        """Records which interconnect a circuit has, and whether it is about to be deleted. Raises CniError that names it."""
        record = self.plan.records.get(outcome.name)
        if get(record, 'interconnect.name') == interconnect and (not deleting or record.get(DELETING) == deleting):
            return
        try:
            self.folder.write_record(outcome.name, interconnect, deleting)
        except CniError as error:
            error.notes.append(f'The interconnect of {outcome.name} is {interconnect!r}. Nothing else was done, as it is not recorded.')
            raise

    def record_deletes(self, account: str, outcomes: Iterable[Outcome]) -> None:
        """Records which interconnects are about to be deleted: once its CNI is deleted, nothing else leads to one.

        A circuit that is deleted for good is marked, so that the next run finds files that are all that is left of it.
        """
        for outcome in outcomes if self.folder else ():
            deleted = {change.row.name: change.before for change in outcome.changes if change.action == 'delete'}
            recorded = outcome.name in self.plan.records and get(deleted.get(CNI.name), 'interconnect')
            interconnect = get(deleted.get(INTERCONNECT.name), 'name') or recorded
            with outcome.result.catching(self.plan.to_error):
                if interconnect:
                    self.record_interconnect(outcome, interconnect, account if self.plan.is_deleted(outcome) else None)

    # The plan.

    def plan_files(self, outcomes: Sequence[Outcome], snapshot: Snapshot) -> None:
        """Plans the files of each circuit. Raises Unread."""
        if not self.folder:
            return
        staying = [outcome for outcome in outcomes if not (outcome.result.error or outcome.deferred or self.plan.is_deleted(outcome))]
        facts = dict(zip((outcome.name for outcome in staying), map_all_reads(lambda outcome: self._facts(outcome, snapshot), staying),
                         strict=True))
        for outcome in outcomes:
            with outcome.result.catching(self.plan.to_error):
                outcome.file_changes = self._changes_of(outcome, facts.get(outcome.name))

    def read_default_names(self, client: Client, outcomes: Sequence[Outcome], snapshot: Snapshot) -> None:
        """Reads the names of the LOAs that are to be fetched and are given none, and plans the files with them."""
        interconnects = {outcome.name: name for outcome in outcomes if (name := _interconnect_of_unnamed_loa(outcome.file_changes))}
        names = list(dict.fromkeys(interconnects.values()))
        self._default_names |= zip(names, run_concurrently(partial(default_loa_name, client), names), strict=True)
        if names:
            self.plan_files([outcome for outcome in outcomes if outcome.name in interconnects], snapshot)

    def _changes_of(self, outcome: Outcome, facts: CircuitFacts | None, steps: Sequence[str] | None = None) -> list[Change]:
        """The changes of the files of a circuit; without facts it is deleted, and they are removed."""
        if outcome.deferred or (outcome.result.error and not steps):
            return []
        if outcome.name not in self._on_disk:
            self._on_disk[outcome.name] = self.folder.on_disk(outcome.name)
        files = self._on_disk[outcome.name]
        if facts is None:
            return self.folder.plan_removal(outcome.name, files)
        outcome.file_paths = self.folder.file_paths(facts)
        return self.folder.plan_files(facts, steps or self.plan.steps, files)

    def _facts(self, outcome: Outcome, snapshot: Snapshot) -> CircuitFacts:
        """The facts for the files of a circuit: objects that this run plans or has written, else current ones. Raises Unread.

        Sets outcome.current, and account if the hand-over has its settings.
        """
        circuit, for_handover = self.plan.declared[outcome.name], 'handover' in self.plan.file_steps
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
        planned = self.plan.settings and self.plan.settings.objects.get(SETTINGS.name)
        self.account = planned or next(iter(snapshot.objects(SETTINGS.name)), None)
        return self.account

    def _handover_routes(self, outcome: Outcome, cni: Object | None, snapshot: Snapshot) -> list[Object] | None:
        """The static routes to a circuit; None if it declares none. Raises Unread."""
        if self.plan.declared[outcome.name].get('routes') is None:
            return None
        if 'routes' in self.plan.steps:
            return outcome.routes or []
        return sorted(routes_to(cni or {}, snapshot), key=sort_key_of_route)

    def _gets_new_target(self, outcome: Outcome, tunnel: Object | None) -> bool:
        """Whether the CNI gets an address in this run, from which Cloudflare calculates the target, and no answer has returned that yet."""
        new_address = any(change.row.name == CNI.name and change.after and get(change.before, 'cust_ip') != change.after.get('cust_ip')
                          for change in outcome.changes)
        returned = any(change.row.name == TUNNEL.name and change.action == 'update' for change in outcome.result.written)
        return bool(tunnel) and new_address and not returned and not get(tunnel, 'health_check.target.saved')

    # The writes.

    def write(self, client: Client, outcomes: Sequence[Outcome], snapshot: Snapshot, workers: int) -> None:
        """Writes the files of all circuits: those that failed after their order get their LOA all the same."""
        pending = [outcome for outcome in outcomes if self.folder and not outcome.result.skipped and self._needs_files(outcome)]
        run_concurrently(partial(self._write_circuit_files, client, snapshot), pending, workers)

    def _needs_files(self, outcome: Outcome) -> bool:
        if not outcome.result.error:
            return bool(outcome.file_changes or outcome.has_writes)
        return 'loa' in self.plan.file_steps and not self.plan.is_deleted(outcome) and bool(outcome.objects.get(INTERCONNECT.name))

    def _write_circuit_files(self, client: Client, snapshot: Snapshot, outcome: Outcome) -> None:
        """Writes or removes the files of a circuit. One that failed after its order gets its LOA alone.

        What check mode could not know is read first: the target that Cloudflare calculates, and the default name on the LOA.
        """
        with outcome.result.catching(self.plan.to_error):
            if self.plan.is_deleted(outcome):
                self.folder.write_changes(client, self.folder.plan_removal(outcome.name, self.folder.on_disk(outcome.name)))
                return
            failed = outcome.result.error is not None
            facts = self._facts(outcome, snapshot)
            if get(facts.tunnel, EFFECTIVE_TARGET) == UNKNOWN and not failed:
                facts = facts._replace(tunnel=next(iter(read_objects(client, TUNNEL.name, facts.tunnel[TUNNEL.id])), facts.tunnel))
            steps = ['loa'] if failed else None
            changes = self._changes_of(outcome, facts, steps)
            if interconnect := _interconnect_of_unnamed_loa(changes):
                facts = facts._replace(default_loa_name=default_loa_name(client, interconnect))
                changes = self._changes_of(outcome, facts, steps)
            written = self.folder.write_changes(client, changes)
            outcome.result.partial += written if failed else []
            planned = {change.row.name: change for change in outcome.file_changes}  # as check mode shows them
            outcome.file_changes = [planned.get(change.row.name, change) for change in changes]


def _interconnect_of_unnamed_loa(changes: Iterable[Change]) -> str | None:
    """The interconnect of an LOA that is to be fetched without a name, while the default name is not known yet.

    None if there is no such LOA, or if its interconnect is new, and so has no default name yet.
    """
    loa = next((change.after['content'] for change in changes if change.row is LOA and change.after), None)
    if get(loa, 'default_name') != UNKNOWN or loa['interconnect'] == UNKNOWN:
        return None
    return loa['interconnect']

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of rollout is to do: the list of circuits, checked; the plan within the guards, and as it is approved. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._approval import (
    ABSENT,
    Approved,
    PlannedCircuit,
    approval_error,
    declared_values,
    plan_result,
    planned_circuit,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._chains import ChainResult
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, schedule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import (
    Chain,
    Circuit,
    delete_chains,
    desired_chain,
    half_deleted_chain,
    interconnect_name,
    planning_order,
    surplus_circuits,
    with_replaced_name,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value, desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError, ToError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import DELETING
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, held_back, is_live, with_status
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import InvalidItem
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._outcomes import Outcome
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import record_contradiction
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, ROUTE, SETTINGS, TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, map_all_reads
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STEPS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import demand_warnings
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_loa_name


@dataclass
class RolloutPlan:
    """What a run of rollout is to do.

    circuits: each with its name; invalid_items: {position: those that can't be processed}; state: merged, overridden or deleted;
    to_error: makes a CniError of any exception; steps: those of STEPS to do; default_asn: to be set; later: circuits that other runs order.
    diversity: of circuits that other runs order their name, and the circuits that each is to be diverse from.
    purge_routes: the routes to a circuit that overridden deletes go with it; site_demand: {site: the bandwidth that it needs}.
    approved: the plan that no circuit may differ from; records: {circuit: its record}, None where circuits have no files.
    declared: {name: circuit} of the valid ones; settings: what becomes of the settings of the account, once it is planned.
    """

    circuits: Sequence[Circuit]
    state: str
    guards: Guards = field(default_factory=Guards)
    to_error: ToError = as_cni_error
    invalid_items: Mapping[int, InvalidItem] = field(default_factory=dict)
    steps: Collection[str] = STEPS
    default_asn: int | None = None
    later: Collection[str] = ()
    diversity: Sequence[Mapping[str, Any]] = ()
    purge_routes: bool = False
    site_demand: Mapping[str, str] = field(default_factory=dict)
    approved: Approved | None = None
    records: Mapping[str, Object] | None = None
    declared: dict[str, Circuit] = field(default_factory=dict)
    settings: Outcome | None = None
    _input_order: list[Outcome | str] = field(default_factory=list)  # outcomes of invalid circuits, names of the valid ones
    _chains: dict[str, Chain] = field(default_factory=dict)
    _record_warnings: dict[str, str] = field(default_factory=dict)
    _demand_warnings: Sequence[str] = ()

    # The list of circuits.

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
        self.declared[name] = circuit
        return name

    def _is_absent(self, circuit: Circuit) -> bool:
        """Whether the user declares that the circuit is to be deleted."""
        return self.state == 'deleted' or circuit.get('state') == 'absent'

    def is_deleted(self, outcome: Outcome) -> bool:
        """Whether the circuit is to be deleted."""
        return outcome.name not in self._chains

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the options, of the records and of what sites need."""
        texts = [f'{name}: {text}' for name, chain in self._chains.items() for desired in chain for text in desired.warnings]
        return [*texts, *(f'{name}: {text}' for name, text in self._record_warnings.items()), *self._demand_warnings]

    @property
    def prefetch(self) -> list[str]:
        """The lists that are read in any case."""
        chain_objects = [desired for chain in self._chains.values() for desired in chain]
        rows = {desired.row.name for desired in chain_objects}
        rows |= {INTERCONNECT.name, CNI.name} if self.file_steps and self._chains else set()
        tunnels = self.state == 'overridden' or any(desired.replace for desired in chain_objects)
        has_bgp = any(self.declared[name].get('bgp') for name in self._chains)
        asn = self.default_asn is not None or ('handover' in self.file_steps and has_bgp)
        return [*(row.name for row in (CNI, INTERCONNECT, ROUTE) if row.name in rows), *([TUNNEL.name] if tunnels else []),
                *([SETTINGS.name] if asn else [])]

    @property
    def file_steps(self) -> list[str]:
        """The steps that write files."""
        return [step for step in ('loa', 'handover') if self.records is not None and step in self.steps]

    def recorded_interconnects(self) -> dict[str, str]:
        """{circuit: the interconnect that is on record}: of a renamed circuit under its previous name, if that has a record."""
        recorded = {name: interconnect for name, record in self.records.items() if (interconnect := get(record, 'interconnect.name'))}
        renamed = {self._renamed[name]: interconnect for name, interconnect in recorded.items() if name in self._renamed}
        return renamed | {name: interconnect for name, interconnect in recorded.items() if name not in self._renamed}

    # The plan.

    def plan_outcomes(self, snapshot: Snapshot) -> list[Outcome]:
        """The planned outcome of each circuit, in the order of the list; surplus ones come last. Raises InputError, Unread."""
        snapshot.planned_selectors.update(dict.fromkeys(self.later))
        snapshot.later_diversity = {other['name']: other['diverse_from'] for other in self.diversity}
        outcomes = self._guarded_outcomes(snapshot)
        self.settings = self._settings_outcome(snapshot)
        self._record_warnings = dict(self._record_contradictions(outcomes, snapshot))
        if self.site_demand:
            self._demand_warnings = demand_warnings(self.site_demand, self._circuit_interconnects(outcomes, snapshot))
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
            held = held_back(valid, self.guards, snapshot, chains.keys() - self.declared.keys())
            if not (held.refused or held.deferred):
                final = {name: with_status(valid[name], snapshot) if name in valid else planned[name] for name in chains}
                return {name: not_done.get(name) or _outcome(name, final[name]) for name in names}
            not_done |= {name: _outcome(name, error) for name, error in held.refused.items()}
            not_done |= {name: Outcome(name, deferred=reason, deferred_changes=valid[name]) for name, reason in held.deferred.items()}

    def _desired_chains(self, snapshot: Snapshot, without: Container[str]) -> dict[str, Chain]:
        """{circuit: its desired objects}: those that are deleted, then the others."""
        recorded = self.records is not None
        absent = [circuit for name, circuit in self.declared.items() if name not in self._chains]
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
        return [name for name, record in (self.records or {}).items() if record.get(DELETING) == snapshot.account and name not in kept]

    def _kept_names(self) -> set[str]:
        """The names of the list, invalid items included. Raises InputError if one has no name: it may be any circuit."""
        nameless = [item.name for position, item in self.invalid_items.items() if item.name == f'circuits[{position}]']
        if nameless:
            raise InputError('circuits', f'{", ".join(nameless)} has no name, so it is unknown which circuits overridden may delete.')
        return {item if isinstance(item, str) else item.name for item in self._input_order} | self._renamed.keys()

    @property
    def _renamed(self) -> dict[str, str]:
        """{previous name: name} of the circuits that have one."""
        return {old: name for name, circuit in self.declared.items() if (old := circuit.get('previous_name'))}

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

    # Approval.

    def _unapproved(self, planned: Mapping[str | None, Sequence[Change]], snapshot: Snapshot) -> dict[str | None, CniError]:
        """{circuit: how its plan differs from the approved one}, None for the settings of the account. Raises Unread for statuses."""
        if self.approved is None:
            return {}

        def error_of(name: str | None) -> CniError | None:
            plan = self._planned_circuit(snapshot.account, name, with_status(planned[name], snapshot))
            error = approval_error(plan, self.approved, lambda: is_live(planned[name], snapshot))
            if error and _orders(planned[name]) and (others := self._later_partners(name, snapshot)):
                error.notes.append(f'Its port is chosen before that of {", ".join(others)}, which was planned first. '
                                   f'Order them in one run, or {name} after that.')
            return error

        return {name: error for name, error in zip(planned, map_all_reads(error_of, planned), strict=True) if error}

    def _later_partners(self, name: str, snapshot: Snapshot) -> list[str]:
        """The circuits that a circuit declares to be diverse from, and that a later run orders."""
        declared = get(self.declared[name], 'slot.diverse_from') or ()
        return [other for other in declared if other in self.later and not interconnect_name(other, snapshot)]

    def _planned_circuit(self, account: str, name: str | None, changes: Iterable[Change], **shown: Any) -> PlannedCircuit:
        """The plan of a circuit, as it is approved."""
        declared = {'default_asn': self.default_asn} if name is None else ABSENT
        if name in self._chains:
            declared = declared_values(self.declared[name])
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

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the current object of a desired one: by key, by record, by selector. Pure functions over a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AmbiguousError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import CIRCUIT_NAME, circuits_on_record, owned_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    INTERCONNECT,
    RESOURCES,
    ROUTE,
    TUNNEL,
    UNKNOWN,
    Field,
    Key,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import (
    candidates,
    interconnects_kept_away,
    interconnects_to_avoid,
    matches_selector,
    selector_key,
    selector_mismatch,
    sort_key_of_slot,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    not_found_error,
    objects_by_field,
    objects_by_key,
    referenced_values,
    refuse_unreadable_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import ID, normal_next_hop, normal_uuid

# On the tunnel of an interconnect whose CNI is deleted first: the next run finds it, if this one ends between the two deletes.
DELETE_NOTE = 'netops.cloudflare_cni deletes the circuit '


def find_object(desired: Desired, snapshot: Snapshot) -> Object | None:
    """The current object, or None. Raises AmbiguousError for two, InputError for a name that only Cloudflare assigns and no object has."""
    row = desired.row
    if row.id is None:
        return next(iter(snapshot.objects(row.name)), {})
    matches = _objects_by_keys(desired, snapshot) | {obj[row.id]: obj for obj in _objects_on_record(desired, snapshot)}
    matches = matches or {obj[row.id]: obj for obj in _half_deleted_objects(desired, snapshot)}
    _refuse_other_owner(desired, matches, snapshot)
    assigned_keys = [key.option for key in row.keys if key.option in desired.keys and key.assigned]
    if not matches and assigned_keys and desired.state == 'present' and not desired.replace and UNKNOWN not in desired.keys.values():
        raise not_found_error(row, assigned_keys[0], desired.keys[assigned_keys[0]], snapshot)
    if desired.state == 'absent' and not desired.keys:
        raise InputError('state', f'no option says which {row.title} is to be deleted.', ' or '.join(key.option for key in row.keys))
    if not matches and desired.selector is not None and desired.state == 'present':
        matches = {obj[row.id]: obj for obj in _interconnects_by_selector(desired, snapshot)}
    if len(matches) > 1:
        raise AmbiguousError(desired.label, sorted(map(str, matches)), _ambiguity_advice(desired))
    return next(iter(matches.values()), None)


def with_named_ids(desired: Desired, snapshot: Snapshot) -> Desired:
    """The same with the ids of the objects that its fields name. Raises InputError or AmbiguousError."""
    named = [f for f in desired.row.fields if f.named and desired.state == 'present' and desired.fields.get(f.path)]
    return desired._replace(fields={**desired.fields, **{f.path: _with_ids(desired, f, snapshot) for f in named}})


def _with_ids(desired: Desired, f: Field, snapshot: Snapshot) -> Any:
    value = desired.fields[f.path]
    if isinstance(value, str):
        return _id_of(desired, f, value, snapshot)
    return [{'id': _id_of(desired, f, item['id'], snapshot)} for item in value]


def _id_of(desired: Desired, f: Field, name: str, snapshot: Snapshot) -> str:
    """The id of an object that a field names by its name or its id."""
    row = RESOURCES[f.named]
    matches = snapshot.matching(row.name, row.id, name, normal_uuid) or snapshot.matching(row.name, 'name', name)
    if not matches and row.creatable and ID.fullmatch(name):  # the list may not show yet what the task before has created
        matches = snapshot.objects(row.name, name)
    if matches[1:]:
        idents = sorted(obj[row.id] for obj in matches)
        raise AmbiguousError(f'{row.title} {name}', idents, f'Give the id of one of them in {f.option}.')
    if not matches and name != UNKNOWN:
        snapshot.refuse_unreadable(row.name, 'name', name)
        raise desired.placed(not_found_error(row, f.option, name, snapshot, 'name'), f)
    return matches[0][row.id] if matches else name


def _objects_by_keys(desired: Desired, snapshot: Snapshot) -> dict[str, Object]:
    """{id: object} of the objects that the keys name. Raises AnswerError where one of them may be an unreadable one."""
    row, keys = desired.row, [(key, desired.keys[key.option]) for key in desired.row.keys if key.option in desired.keys]
    single_keys = [(key, value) for key, value in keys if key.path not in row.unique_fields]
    if row.joint_key and not single_keys:
        return {obj[row.id]: obj for obj in _objects_by_joint_key(row, {key.path: (key, value) for key, value in keys}, snapshot)}
    keys = single_keys
    matches = {obj[row.id]: obj for key, value in keys for obj in objects_by_key(row, key, value, snapshot)} or {
        obj[row.id]: obj for key, value in keys if not key.references for obj in objects_by_field(row, key.path, value, snapshot)}
    for key, value in keys if not matches else ():
        refuse_unreadable_key(row, key, value, snapshot)
    return {**matches, **_objects_by_previous_name(desired, snapshot)}


def _objects_by_joint_key(row: Resource, keys: Mapping[str, tuple[Key, Any]], snapshot: Snapshot) -> list[Object]:
    """The objects that several keys name together, {path: (key, value)}. What tells them apart counts where it is given.

    Raises AnswerError where what can't be read may be it.
    """
    (first, value), *others = (keys[path] for path in row.joint_key)
    if first.references:
        refuse_unreadable_key(row, first, value, snapshot)
    values = referenced_values(first, value, snapshot)
    compared = [*others, *([keys[row.apart]] if row.apart in keys else [])]
    matches = [obj for value in values for obj in snapshot.matching(row.name, first.path, value, first.normal)
               if all(key.normal(get(obj, key.path)) == key.normal(value) for key, value in compared)]
    for obj in () if matches else snapshot.unreadable(row.name):
        if any(obj.may_be(first.path, value, first.normal) for value in values) and all(obj.may_be(key.path, value, key.normal)
                                                                                        for key, value in others):
            raise obj.error
    return matches


def _objects_by_previous_name(desired: Desired, snapshot: Snapshot) -> dict[str, Object]:
    """{id: object} of those under the previous name. Raises AmbiguousError if both names are circuits."""
    old, new = desired.previous_name, desired.keys.get('conduit_name')
    if old is None or not snapshot.matching(CNI.name, CIRCUIT_NAME, old):
        return {}
    if snapshot.matching(CNI.name, CIRCUIT_NAME, new):
        raise AmbiguousError(desired.label, sorted([old, new]), 'Remove previous_name, or delete one of the two circuits.')
    row = desired.row
    return {obj[row.id]: obj for key in row.keys if key.option == 'conduit_name' for obj in objects_by_key(row, key, old, snapshot)}


def _objects_on_record(desired: Desired, snapshot: Snapshot) -> list[Object]:
    """The interconnect that the circuit has on record."""
    circuit = desired.keys.get('conduit_name')
    is_recorded = desired.row.name == INTERCONNECT.name and circuit in snapshot.recorded_interconnects
    return owned_interconnect(circuit, snapshot) if is_recorded else []


def _refuse_other_owner(desired: Desired, interconnects: Iterable[str], snapshot: Snapshot) -> None:
    """Raises InputError where slot_id leads to an interconnect without a CNI that another circuit has on record."""
    for name in interconnects if 'slot_id' in desired.keys and snapshot.recorded_circuits else ():
        owners = [] if snapshot.matching(CNI.name, CNI.parent[1], name) else circuits_on_record(name, snapshot)
        if owners and desired.keys.get('conduit_name') not in owners:
            raise InputError('slot_id', f'its record says that interconnect {name!r} on that slot was ordered for circuit {owners[0]!r}.',
                             'another slot_id, or a selector in slot')


def _half_deleted_objects(desired: Desired, snapshot: Snapshot) -> list[Object]:
    """The interconnect of this circuit that an earlier run was about to delete when it ended."""
    circuit = desired.keys.get('conduit_name')
    if circuit is None or desired.row.name != INTERCONNECT.name or not (desired.state == 'absent' or desired.replace):
        return []
    return half_deleted_interconnects(snapshot, circuit)


def half_deleted_interconnects(snapshot: Snapshot, circuit: str) -> list[Object]:
    """The interconnects without a CNI whose tunnels have the note of that circuit."""
    tunnels = snapshot.matching(TUNNEL.name, 'description', DELETE_NOTE + circuit)
    interconnects = [obj for tunnel in tunnels for obj in objects_on_same_port(INTERCONNECT, tunnel, snapshot)]
    return [obj for obj in interconnects if not _carries_cni(obj['name'], snapshot)]


def _carries_cni(name: str, snapshot: Snapshot) -> bool:
    """Whether a CNI is on the interconnect, an unreadable one included."""
    unreadable = (cni.get(CNI.parent[1]) for cni in snapshot.unreadable(CNI.name))
    return bool(snapshot.matching(CNI.name, CNI.parent[1], name)) or any(interconnect in (None, name) for interconnect in unreadable)


def half_deleted_circuits(snapshot: Snapshot) -> list[str]:
    """The circuits that have half deleted interconnects."""
    texts = [str(tunnel.get('description')) for tunnel in snapshot.objects(TUNNEL.name)]
    names = [text.removeprefix(DELETE_NOTE) for text in texts if text.startswith(DELETE_NOTE)]
    return [name for name in names if half_deleted_interconnects(snapshot, name)]


def objects_on_same_port(row: Resource, obj: Object, snapshot: Snapshot) -> list[Object]:
    """The interconnects of a tunnel, or the tunnels of an interconnect: they have the reserved port in common."""
    port = obj.get('virtual_port_reservation_id')
    return snapshot.matching(row.name, 'virtual_port_reservation_id', port, normal_uuid) if port else []


def routes_to(cni: Object, snapshot: Snapshot) -> list[Object]:
    """The routes whose next hop is a CNI."""
    address = cni.get('cust_ip')
    return snapshot.matching(ROUTE.name, 'nexthop', address, normal_next_hop) if address else []


def _ambiguity_advice(desired: Desired) -> str:
    """What the user can do about two matches."""
    name = next((key.option for key in desired.row.keys if key.assigned), None)
    if desired.row.apart:
        return f'Name one of them by {desired.row.apart}, or by {name}.'
    if len(desired.keys) > 1:
        return f'{" and ".join(desired.keys)} have to select the same object.'
    return f'Select one of them with {name}.' if name and name not in desired.keys else 'There should be only one: ask Cloudflare.'


def filtered_objects(row: Resource, keys: Mapping[str, Any], filters: Mapping[str, Any], snapshot: Snapshot) -> list[Object]:
    """The objects that all given keys name and that match all given filters, for info modules. None matches everything."""
    objects = [obj for obj in snapshot.objects(row.name) if all(matches_selector(obj, option, value) for option, value in filters.items())]
    for key in row.keys:
        if keys.get(key.option) is not None:
            matches = objects_by_key(row, key, keys[key.option], snapshot)
            refuse_unreadable_key(row, key, keys[key.option], snapshot)
            objects = [obj for obj in objects if obj in matches]
    return objects


def interconnect_names(options: Mapping[str, Sequence[str] | None], snapshot: Snapshot) -> list[str]:
    """The names of the interconnects that two options name, the first by name, the second by circuit; of all if neither is given.

    Raises InputError for a name that does not exist.
    """
    if all(selected is None for selected in options.values()):
        return [obj['name'] for obj in snapshot.objects('interconnect')]
    names: list[str] = []
    for key, (option, selected) in zip((INTERCONNECT.keys[0], INTERCONNECT.keys[-1]), options.items(), strict=True):
        for name in selected or ():
            matches = [name] if name == UNKNOWN else [obj['name'] for obj in _interconnects_by(key, name, snapshot)]
            if not matches:
                refuse_unreadable_key(INTERCONNECT, key, name, snapshot)
                row, path = (CNI, key.references[0].match_path) if key.references else (INTERCONNECT, None)
                raise not_found_error(row, option, name, snapshot, path)
            names += matches
    return list(dict.fromkeys(names))


def _interconnects_by(key: Key, name: str, snapshot: Snapshot) -> list[Object]:
    if key.references:
        return objects_by_key(INTERCONNECT, key, name, snapshot)
    return objects_by_field(INTERCONNECT, key.path, name, snapshot)


def _interconnects_by_selector(desired: Desired, snapshot: Snapshot) -> list[Object]:
    """The interconnects that match the selector; for a circuit only those without a circuit.

    Of several a circuit gets the first by slot, if the circuits of the plan need them all: a run that ended has left them.
    """
    avoided = interconnects_to_keep_from(desired, snapshot)
    for_circuit = 'conduit_name' in desired.keys
    spare = _spare_interconnects(desired.selector, snapshot) if for_circuit else candidates(INTERCONNECT.name, desired.selector, snapshot)
    spare = [obj for obj in spare if obj not in avoided and not selector_mismatch(desired.selector, obj, avoided)]
    _refuse_unreadable_candidates(desired, spare, snapshot)
    return spare[:1] if len(spare) > 1 and for_circuit and _all_in_demand(spare, snapshot) else spare


def _spare_interconnects(selector: Mapping[str, Any], snapshot: Snapshot) -> list[Object]:
    """The interconnects without a circuit that match the selector but for diversity, sorted by slot."""
    def sorted_matches() -> list[Object]:
        objects = candidates(INTERCONNECT.name, selector, snapshot)
        return sorted((obj for obj in objects if not selector_mismatch(selector, obj, ())), key=sort_key_of_slot)

    spare = snapshot.cached((INTERCONNECT.name, selector_key(selector)), sorted_matches)
    unreadable_on = {cni.get(CNI.parent[1]) for cni in snapshot.unreadable(CNI.name)}
    spare[:] = [obj for obj in spare if not (obj['name'] in unreadable_on or obj['name'] in snapshot.claimed)
                and not snapshot.matching('cni', 'interconnect', obj['name']) and not circuits_on_record(obj['name'], snapshot)]
    return spare


def _refuse_unreadable_candidates(desired: Desired, spare: Sequence[Object], snapshot: Snapshot) -> None:
    """Raises AnswerError where an unreadable interconnect may match, so that no second one is ordered.

    A circuit's interconnect is none with another CNI. While a CNI does not show its interconnect, no interconnect is known to be spare.
    """
    for_circuit = 'conduit_name' in desired.keys
    for obj in () if spare else snapshot.unreadable(INTERCONNECT.name):
        name = obj[INTERCONNECT.id]
        if not (for_circuit and name and snapshot.matching(CNI.name, CNI.parent[1], name)):
            raise obj.error
    for obj in spare if for_circuit else ():
        snapshot.refuse_unreadable(CNI.name, CNI.parent[1], obj[INTERCONNECT.id])


def _all_in_demand(spare: Sequence[Object], snapshot: Snapshot) -> bool:
    """Whether the circuits of the plan without an interconnect need all of these."""
    if snapshot.demand is None:
        snapshot.demand = {}
        for name in snapshot.planned_selectors:
            count_demand(name, snapshot)
    return sum(len(names) for selector, names in snapshot.demand.values()
               if not any(selector_mismatch(selector, obj, ()) for obj in spare)) >= len(spare)


def count_demand(name: str, snapshot: Snapshot) -> None:
    """Counts a circuit of the plan that has no CNI, and so will use an interconnect, or stops counting it.

    Equal selectors count together.
    """
    selector = snapshot.planned_selectors.get(name)
    if selector:
        _selector, names = snapshot.demand.setdefault(selector_key(selector), (selector, set()))
        if _has_interconnect(name, snapshot):
            names.discard(name)
        else:
            names.add(name)


def _has_interconnect(circuit: str, snapshot: Snapshot) -> bool:
    """Whether a circuit has an interconnect, by its CNI or on record."""
    recorded = snapshot.recorded_interconnects.get(circuit)
    idle = recorded and snapshot.matching(INTERCONNECT.name, INTERCONNECT.id, recorded) and not _carries_cni(recorded, snapshot)
    return bool(idle or snapshot.matching(CNI.name, CIRCUIT_NAME, circuit))


def avoided_interconnects(desired: Desired, snapshot: Snapshot) -> list[Object]:
    return interconnects_to_avoid(desired.selector or {}, desired.keys.get('conduit_name'), snapshot)


def interconnects_to_keep_from(desired: Desired, snapshot: Snapshot) -> list[Object]:
    """Those that a port which is chosen has to be diverse from: what it names, and what names it."""
    return [*avoided_interconnects(desired, snapshot), *interconnects_kept_away(desired.keys.get('conduit_name'), snapshot)]

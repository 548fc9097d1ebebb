# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one desired object and the snapshot to its changes, which are simulated for what is planned next. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import with_alert_fields
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired, check_pair
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import DriftError, InputError, NotListedError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import (
    DELETE_NOTE,
    avoided_interconnects,
    count_demand,
    find_object,
    interconnects_to_keep_from,
    objects_on_same_port,
    routes_to,
    with_named_ids,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, differing_fields, get, have_and_want, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    DIRECT,
    GCP_PARTNER,
    INTERCONNECT,
    RESOURCES,
    ROUTE,
    SLOT,
    TUNNEL,
    UNKNOWN,
    Placeholder,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import selector_mismatch, slot_of_pending_order, slot_to_order
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    not_found_error,
    objects_by_field,
    objects_by_key,
    refuse_unreadable_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import normal_next_hop


def plan_object(desired: Desired, snapshot: Snapshot) -> list[Change]:
    """The changes from the current object to the desired one: none, a create, an update, a replacement, or a delete.

    A field that PUT cannot set is immutable: if it differs, the object is replaced, or DriftError raised without on_immutable=replace.
    """
    desired = with_named_ids(_with_referenced_fields(desired, snapshot), snapshot)
    current = find_object(desired, snapshot)
    if desired.state == 'absent':
        return _plan_delete(desired, current, snapshot) if current else [Change(desired.row, 'none', desired.label, None, None)]
    desired = with_alert_fields(desired, current, snapshot)
    if current is None:
        return [_plan_create(desired, snapshot)]
    fields = _fields_to_write(desired, current)
    drift = _immutable_drift(desired, fields, current, snapshot)
    if drift:
        return _plan_replace(desired, current, drift, snapshot)
    if not fields:
        return [Change(desired.row, 'none', desired.label, current, current)]
    fields |= _default_fields(desired.row, merge(current, fields), current)
    fields |= _cleared_fields(desired, merge(current, fields), fields)
    after = merge(current, fields)
    _check_after(desired, after, fields, snapshot)
    losing_address = [current] if desired.row.name == CNI.name and 'cust_ip' in fields else []
    return [*_plan_route_deletes(desired, losing_address, snapshot),
            Change(desired.row, 'update', desired.label, current, after, tuple(fields))]


def _fields_to_write(desired: Desired, current: Object) -> dict[str, Any]:
    """{path: value} of the fields in which the current object differs, and of those that go with them.

    Raises DriftError for one that exists where one is to be created, and differs.
    """
    fields, ident = differing_fields(desired.row, desired.fields, current), current.get(desired.row.id)
    if fields and desired.create_only:
        raise DriftError(desired.label, have_and_want(desired.row, fields, current), f'{ident} was there before, so it is not changed. '
                         'Delete it by its id, or give it these values, then run this again.', 'what this run does not change')
    return fields | _unreturned_fields(desired) if fields or desired.resend else fields


def _unreturned_fields(desired: Desired) -> dict[str, Any]:
    """{path: value} of the fields that PUT can set and no answer holds: a PUT without one may clear it."""
    rows = {path: desired.row.field(path) for path in desired.fields}
    return {path: value for path, value in desired.fields.items() if rows[path].in_put and not rows[path].returned}


def _with_referenced_fields(desired: Desired, snapshot: Snapshot) -> Desired:
    """The same with the fields that a key takes from another object, as the next hop of a route from the CNI of a circuit.

    Raises InputError where there is no such object, and NotListedError where it lacks what is due.
    """
    row, fields = desired.row, dict(desired.fields)
    for key in row.keys if desired.state == 'present' else ():
        if not (key.references and key.option in desired.keys and key.path in row.joint_key):
            continue
        reference, value = key.references[0], desired.keys[key.option]
        objects = snapshot.matching(reference.resource, reference.match_path, value)
        if not objects:
            refuse_unreadable_key(row, key, value, snapshot)
            raise not_found_error(RESOURCES[reference.resource], key.option, value, snapshot, reference.match_path)
        address = get(objects[0], reference.value_path)
        if address is None:
            raise NotListedError(f'Cloudflare shows no {reference.value_path} for {value!r} yet: run it again in a few minutes.',
                                 (reference.resource, None), option=key.option)
        fields[key.path] = key.normal(address)
    return desired._replace(fields=fields)


def _immutable_drift(desired: Desired, fields: Mapping[str, Any], current: Object, snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} of the differences that no call can change."""
    immutable = have_and_want(desired.row, {path: value for path, value in fields.items() if not desired.row.field(path).in_put}, current)
    mismatches = selector_mismatch(desired.selector, current, avoided_interconnects(desired, snapshot)) if desired.selector else {}
    return {**immutable, **{option: pair for option, pair in mismatches.items() if option.removeprefix('slot.') not in desired.fields}}


def _plan_delete(desired: Desired, current: Object, snapshot: Snapshot) -> list[Change]:
    """Deletes the routes to the CNI, the CNI that the user named, then the interconnect.

    A note on the tunnel comes first, if nothing else leads to the interconnect.
    """
    _refuse_in_use(desired.row, current, snapshot)
    cnis = _carried_cnis(desired, current, snapshot)
    to_delete = [(CNI, cni, get(cni, 'magic.conduit_name')) for cni in cnis]
    to_delete.append((desired.row, current, current[desired.row.id]))
    deletes = [Change(row, 'delete', f'{row.title} {name}', obj, None) for row, obj, name in to_delete]
    deletes[:0] = _plan_route_deletes(desired, cnis if desired.row.name != CNI.name else [current], snapshot)
    return [*_plan_note(desired, current, snapshot), *deletes] if cnis else deletes


def _refuse_in_use(row: Resource, obj: Object, snapshot: Snapshot) -> None:
    """Raises InputError with the tunnels that use an object that is to be deleted: they might lose it silently."""
    users = []
    for f in (f for f in TUNNEL.fields if f.named == row.name):
        snapshot.refuse_unreadable(TUNNEL.name, f.path, obj[row.id])
        users += [f'{user.get("name") or user[TUNNEL.id]} ({f.option})' for user in snapshot.matching(TUNNEL.name, f.path, obj[row.id])]
    if users:
        raise InputError('state', f'{row.title} {obj["name"]!r} is used by the tunnels {", ".join(sorted(users))}. Clear it there first.')


def _plan_route_deletes(desired: Desired, cnis: Iterable[Object], snapshot: Snapshot) -> list[Change]:
    """Deletes the routes to CNIs that are about to lose their address. Whoever gets it next would get the traffic too."""
    return [Change(ROUTE, 'delete', f'{ROUTE.title} {route["prefix"]}', route, None, pinned=desired.routes_named)
            for cni in cnis for route in every_route_to(cni, snapshot)]


def _plan_note(desired: Desired, current: Object, snapshot: Snapshot) -> list[Change]:
    """The note on the tunnel of an interconnect. Raises InputError where Cloudflare shows no tunnel."""
    direct_keys = [key for key in desired.row.keys if key.option in desired.keys and not key.references]
    if any(current in objects_by_key(desired.row, key, desired.keys[key.option], snapshot) for key in direct_keys):
        return []
    name, circuit = current[desired.row.id], desired.keys['conduit_name']
    tunnels = objects_on_same_port(TUNNEL, current, snapshot)
    if not tunnels:
        raise InputError('name', f'interconnect {name!r} can be found only by its CNI {circuit!r}, which is deleted first, and it has no '
                                 f'tunnel for a note of that. Use netops.cloudflare_cni.interconnect with name={name} too.')
    after = merge(tunnels[0], {'description': DELETE_NOTE + circuit})
    return [Change(TUNNEL, 'note', f'tunnel of interconnect {name}', tunnels[0], after, ('description',))]


def _carried_cnis(desired: Desired, current: Object, snapshot: Snapshot) -> list[Object]:
    """The CNIs on an interconnect that is deleted. Raises InputError for those that the user didn't name."""
    if desired.row.name != CNI.parent[0]:
        return []
    name, circuit = current[desired.row.id], desired.keys.get('conduit_name')
    cnis = snapshot.matching(CNI.name, CNI.parent[1], name)
    snapshot.refuse_unreadable(CNI.name, CNI.parent[1], name)
    # A CNI without a name can't be one that the user named.
    others = [cni for cni in cnis if not circuit or get(cni, 'magic.conduit_name') not in (circuit, desired.previous_name)]
    if others:
        names = ', '.join(sorted(f'{get(cni, "magic.conduit_name")!r} ({cni["id"]})' for cni in others))
        raise InputError('state', f'interconnect {name!r} carries CNI {names}, which would be deleted too. '
                                  'Delete each CNI first with netops.cloudflare_cni.cni and state=absent.')
    return cnis


def _plan_replace(desired: Desired, current: Object, drift: dict, snapshot: Snapshot) -> list[Change]:
    """Delete and create, if the user allows it. All of it is planned, and so validated, before anything is deleted."""
    label = f'{desired.row.title} {current[desired.row.id]!r}'
    if not desired.replace:
        raise DriftError(label, drift, 'Request the existing values, or set on_immutable=replace to delete it and order another one.')
    deletes = _plan_delete(desired, current, snapshot)
    simulate_changes(snapshot, deletes)
    try:
        created = _plan_create(desired, snapshot)
    finally:
        simulate_changes(snapshot, reversed(deletes), undo=True)
    statuses = snapshot.objects('status', current[desired.row.id])  # last: everything else is read again after the slots
    if any(status.get('state') == 'Healthy' for status in statuses) and not desired.force:
        raise DriftError(label, drift, 'It is Healthy, so it is not replaced without force=true.')
    return [*deletes, created]


def _plan_create(desired: Desired, snapshot: Snapshot) -> Change:
    """The creation of an object, with the defaults of its fields and what follows from its slot or region.

    Values that only Cloudflare can assign are placeholders. Raises InputError, NotListedError, and Unread for slots.
    """
    row = desired.row
    if not row.creatable:
        return _plan_missing(desired, snapshot)
    if row.variants:
        allowed = 'slot_id or slot, or pairing_key with bandwidth'
        raise InputError('type', f'{desired.label} does not exist, and no option says what to order.', allowed)
    location = _location_fields(desired, snapshot)
    fields = {**row.constants, **desired.fields, **{path: location[path] for path in (*row.identity, *desired.fields) if path in location}}
    after = merge({**{path: Placeholder() for path in row.assigned}, **location}, fields)
    fields |= _default_fields(row, after, {})
    after = merge(after, fields)
    _check_after(desired, after, fields, snapshot)
    return Change(row, 'create', desired.label, None, after, tuple(fields), snapshot.known_values(row.name, row.id),
                  pinned=desired.selector is None or 'slot_id' in desired.keys, create_only=desired.create_only,
                  exclusive=bool(row.unique_fields) and not desired.shared)


def _location_fields(desired: Desired, snapshot: Snapshot) -> Object:
    """The fields that follow from the place of a new interconnect: from its slot or its region."""
    if desired.row.constants == GCP_PARTNER.constants:
        return {'region': desired.selector['region']}
    if desired.row.constants != DIRECT.constants:
        return {}
    if desired.selector is None and 'slot_id' not in desired.keys:
        raise InputError('slot_id', 'a direct interconnect is ordered on a slot.', 'slot_id, or a selector in slot')
    selector = desired.selector or {'speed': desired.fields.get('speed')}
    slot_id, avoided = desired.keys.get('slot_id'), interconnects_to_keep_from(desired, snapshot)
    pending_slot = slot_of_pending_order(snapshot, selector, slot_id, avoided)
    if pending_slot:
        raise _pending_order_error(pending_slot)
    slot = slot_to_order(snapshot, selector, slot_id, avoided)
    if UNKNOWN in (selector.get('diverse_from') or ()):
        return {'slot_id': UNKNOWN}
    fields = ('site', 'facility', 'speed', 'ccr_device_name')
    return {'slot_id': slot['id'], **{name: slot[name] for name in fields if slot.get(name) is not None}}


def _pending_order_error(slot: Object) -> NotListedError:
    location = f'{get(slot, "facility.name")}, {slot.get("site")}'
    return NotListedError(
        f'Slot {slot["id"]} ({location}) is occupied by this account, but no interconnect is listed on it. It may be an order that '
        'Cloudflare does not list yet, so nothing was ordered. Run it again in a few minutes. If this persists, ask Cloudflare what is on '
        'that slot, or select another one with slot_id.', (SLOT.name, None), option='slot', slot_id=slot['id'])


def _plan_missing(desired: Desired, snapshot: Snapshot) -> Change:
    """The change of an object that Cloudflare creates with its interconnect: a health check. It can be predicted before it is listed."""
    option, value = next(iter(desired.keys.items()))
    if desired.row.name == INTERCONNECT.name:
        raise InputError('steps', f'the circuit {value!r} does not exist in this account, neither as a CNI nor in a record, and without '
                                  'the step interconnect nothing is ordered.', 'steps with interconnect')
    if value == UNKNOWN:
        after = merge({desired.row.id: UNKNOWN}, desired.fields)
        _check_after(desired, after, desired.fields, snapshot)
        return Change(desired.row, 'update', desired.label, {}, after, tuple(desired.fields))
    key = next(key for key in desired.row.keys if key.option == option)
    for reference in key.references:
        if not objects_by_field(RESOURCES[reference.resource], reference.match_path, value, snapshot):
            raise not_found_error(RESOURCES[reference.resource], option, value, snapshot, reference.match_path)
        value = get(snapshot.matching(reference.resource, reference.match_path, value)[0], reference.value_path)
    list_to_reread = key.references[-1].resource if value is None else desired.row.name
    raise NotListedError(f'Cloudflare shows no {desired.row.title} for {desired.keys[option]!r} yet: run it again in a few minutes.',
                         (list_to_reread, None), option=option)


def _default_fields(row: Resource, after: Object, before: Object) -> Object:
    """The defaults of each block that is new in after. Raises InputError for a required field without a value."""
    defaults: Object = {}
    for f in row.fields:
        block = f.path.rpartition('.')[0]
        is_new = get(after, block) is not None and get(before, block) is None if block else not before
        if not is_new or get(after, f.path) is not None:
            continue
        if f.required:
            raise InputError(f.option, f'is required to create the {row.title}{" with " + block if block else ""}.')
        if f.default is not None:
            defaults[f.path] = list(f.default) if isinstance(f.default, tuple) else f.default
    return defaults


def _cleared_fields(desired: Desired, after: Object, fields: Mapping[str, Any]) -> Object:
    """{path: None} of the values in the blocks that are sent which Cloudflare clears because of another field, and so refuses beside it."""
    blocks = {path.partition('.')[0] for path in fields}
    return {path: None for path, (other, value) in desired.row.cleared_by.items() if path.partition('.')[0] in blocks
            and path not in desired.fields and get(after, other) == value and get(after, path) is not None}


def _check_after(desired: Desired, after: Object, fields: Mapping[str, Any], snapshot: Snapshot) -> None:
    """Checks what depends on the rest of the object and on its parent."""
    row = desired.row
    for path, *problem in row.unmet(after, {*fields, *desired.fields}):
        raise desired.placed(InputError(row.field(path).option, *problem), row.field(path))
    if row.paired_fields and not {*row.paired_fields[:2]}.isdisjoint(fields):
        check_pair(row, after)
    if row.exclusive in fields and not desired.shared:
        _check_exclusive(row, after, snapshot, 'slot_id' if desired.on_previous else row.exclusive)
    if not row.parent or row.parent[1] not in fields:
        return
    parent, name = RESOURCES[row.parent[0]], after[row.parent[1]]
    if name != UNKNOWN and not objects_by_field(parent, parent.id, name, snapshot):
        snapshot.refuse_unreadable(parent.name, parent.id, name)
        raise not_found_error(parent, row.parent[1], name, snapshot)


def _check_exclusive(row: Resource, after: Object, snapshot: Snapshot, option: str) -> None:
    """Raises InputError if the parent has others. option: what leads to it; of a circuit only its slot leads to a used interconnect."""
    parent = after[row.exclusive]
    snapshot.refuse_unreadable(row.name, row.exclusive, parent)
    rivals = [obj for obj in snapshot.matching(row.name, row.exclusive, parent) if obj.get(row.id) != after.get(row.id)]
    if rivals:
        names = ', '.join(sorted(get(obj, row.keys[-1].path) or obj[row.id] for obj in rivals))
        subject = repr(parent) if option == row.exclusive else f'{row.exclusive} {parent!r}'
        raise InputError(option, f'{subject} already carries {row.title} {names}, and the port is untagged.',
                         f'another {option}, or shared=true to share it')


def every_route_to(cni: Object, snapshot: Snapshot) -> list[Object]:
    """The routes to a CNI. Raises AnswerError where one that can't be read may be such a route."""
    routes = routes_to(cni, snapshot)
    snapshot.refuse_unreadable(ROUTE.name, 'nexthop', cni.get('cust_ip'), normal_next_hop)
    return routes


def simulate_changes(snapshot: Snapshot, changes: Iterable[Change], undo: bool = False) -> None:
    for change in changes:
        _simulate(snapshot, change, undo)


def _simulate(snapshot: Snapshot, change: Change, undo: bool) -> None:
    """Applies a change to the snapshot, so that what is planned next takes it into account."""
    before = change.before
    if undo or change.action == 'delete' or (before and before.get(CNI.exclusive) != change.after.get(CNI.exclusive)):
        snapshot.clear_cache()
    if change.action == 'none':
        return
    snapshot.replace_object(change.row.name, *((change.after, before) if undo else (before, change.after)))
    slot_id = (change.after or change.before).get('slot_id') if change.row.name == INTERCONNECT.name else None
    slots = snapshot.matching(SLOT.name, 'id', slot_id) if slot_id and snapshot.has_list(SLOT.name) else ()
    for slot in slots:
        snapshot.replace_object(SLOT.name, slot, {**slot, 'occupied': (change.after is not None) != undo})
    if change.row.name == CNI.name and snapshot.demand is not None:
        count_demand(get(change.after or change.before, 'magic.conduit_name'), snapshot)

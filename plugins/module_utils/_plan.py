# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From desired and current objects to the changes. Pure functions; no client, no ansible, no clock."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    CniError,
    InputError,
    NotListedError,
    ToError,
    as_cni_error,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import DELETE_NOTE, objects_on_same_port
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan_object import every_route_to, plan_object, simulate_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    ADDRESS_FIELDS,
    CNI,
    DIRECT,
    INTERCONNECT,
    ROUTE,
    SLOT,
    TUNNEL,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import common_filters
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Part, Snapshot, Unread


def plan_changes(desired: Sequence[Desired], snapshot: Snapshot, to_error: ToError = as_cni_error) -> list[Change]:
    """The changes from the snapshot to the desired objects, one or more for each, in the order of the list.

    Raises InputError, AmbiguousError or DriftError, and Unread for parts that have not been read.
    """
    (changes,) = plan_chains([desired], snapshot, to_error)
    if isinstance(changes, CniError):
        raise changes
    return changes


def plan_chains(chains: Sequence[Sequence[Desired]], snapshot: Snapshot, to_error: ToError = as_cni_error) -> list[list[Change] | CniError]:
    """plan_changes() for each chain, after the changes of those before it; a CniError in the place of a chain that can't be planned.

    Two chains that declare the same object differently are both errors. to_error: makes a CniError of any exception.
    Raises Unread; NotListedError too, unless the snapshot is final.
    """
    duplicates = _duplicate_errors(chains)
    chains = [() if number in duplicates else chain for number, chain in enumerate(chains)]
    snapshot = snapshot.copy()
    direct = [desired for chain in chains for desired in chain if desired.row.constants == DIRECT.constants]
    snapshot.list_filters[SLOT.name] = common_filters([desired.selector or {} for desired in direct])
    for desired in (desired for chain in chains for desired in chain if 'conduit_name' in desired.keys):
        circuit = desired.keys['conduit_name']
        snapshot.planned_selectors[circuit] = desired.selector or snapshot.planned_selectors.get(circuit)
    snapshot.kept_away = {}
    declared = {circuit: (selector or {}).get('diverse_from') or () for circuit, selector in snapshot.planned_selectors.items()}
    for circuit, others in {**declared, **snapshot.later_diversity}.items():
        for other in others:
            snapshot.kept_away.setdefault(other, []).append(circuit)
    planned = _plan_all(chains, snapshot, to_error)
    not_listed = next((error for error in planned if isinstance(error, NotListedError)), None)
    if not_listed and not snapshot.is_final:
        raise not_listed
    return [duplicates.get(number, changes) for number, changes in enumerate(planned)]


def _plan_all(chains: Iterable[Sequence[Desired]], snapshot: Snapshot, to_error: ToError) -> list[list[Change] | CniError]:
    """Raises Unread for all single objects that the chains need, or for the first list."""
    planned: list[list[Change] | CniError] = []
    unread: dict[Part, None] = {}
    for chain in chains:
        try:
            planned.append(_plan_chain(chain, snapshot, to_error))
        except Unread as error:
            unread |= dict.fromkeys(error.parts)
            if any(ident is None for _resource, ident in error.parts):  # a list, which the next chains need as well
                break
    if unread:
        raise Unread(*unread)
    return planned


def _plan_chain(chain: Iterable[Desired], snapshot: Snapshot, to_error: ToError) -> list[Change] | CniError:
    """The changes, which are then simulated in the snapshot; or the error, and the snapshot is as before."""
    changes: list[Change] = []
    claimed: set[str] = set()
    remaining = list(chain)
    while remaining:
        desired = remaining.pop(0)
        try:
            desired = _on_interconnect(desired, changes) if desired.on_previous else desired
            planned = _plan_surplus_routes(desired, changes, snapshot) if desired.state == 'surplus' else plan_object(desired, snapshot)
        except Unread:
            raise
        except Exception as error:  # also an unexpected one must not lose the plan of the others
            simulate_changes(snapshot, reversed(changes), undo=True)
            snapshot.claimed -= claimed
            snapshot.planned_interconnects.pop(desired.circuit, None)
            return to_error(error)
        simulate_changes(snapshot, planned)
        if desired.row.name == INTERCONNECT.name and planned[-1].after:
            claimed |= {planned[-1].after['name']} if desired.keys.get('conduit_name') else set()
            snapshot.claimed |= claimed
            snapshot.planned_interconnects |= {desired.circuit: planned[-1].after} if desired.circuit else {}
            remaining = _with_inherited_fields(desired, remaining, planned, snapshot)
        remaining += _moved_routes(desired, remaining, planned)
        changes += planned
    return changes


def _moved_routes(desired: Desired, remaining: Iterable[Desired], planned: Sequence[Change]) -> list[Desired]:
    """The routes of a CNI that is created again or gets another address, if the chain declares none.

    They are created with the new next hop. Nobody has declared what a route that is there already should be, so it stays as it is.
    """
    if desired.state != 'present' or any(other.row.name == ROUTE.name for other in remaining):
        return []
    name = desired.keys.get('conduit_name') or get(planned[-1].after, 'magic.conduit_name')
    deleted = [change.before for change in planned if change.action == 'delete' and change.row.name == ROUTE.name]
    return [Desired(ROUTE, 'present', {'conduit_name': name, 'prefix': route['prefix'], 'scope': route.get('scope')},
                    _inherited_fields(ROUTE, route, ()), circuit=desired.circuit, create_only=True) for route in deleted]


def _plan_surplus_routes(desired: Desired, changes: Iterable[Change], snapshot: Snapshot) -> list[Change]:
    """Deletes the routes to a circuit that are not among those of the chain."""
    kept = {change.after['id'] for change in changes if change.row.name == ROUTE.name and change.after}
    cnis = snapshot.matching(CNI.name, 'magic.conduit_name', desired.circuit)
    return [Change(ROUTE, 'delete', f'{ROUTE.title} {route["prefix"]} of {desired.circuit}', route, None, last=True)
            for cni in cnis for route in every_route_to(cni, snapshot) if route['id'] not in kept]


def _with_inherited_fields(interconnect: Desired, remaining: list[Desired], planned: Sequence[Change], snapshot: Snapshot) -> list[Desired]:
    """The rest of a chain behind an interconnect.

    If that is replaced, the rest inherits the fields of the old objects that nobody declares.
    """
    deleted = {change.row.name: change.before for change in planned if change.action in ('delete', 'note')}
    if INTERCONNECT.name not in deleted:
        return remaining
    addresses = [str(get(deleted.get(CNI.name), field)).partition('/')[0] for field in ADDRESS_FIELDS]
    deleted.setdefault(TUNNEL.name, next(iter(objects_on_same_port(TUNNEL, deleted[INTERCONNECT.name], snapshot)), None))
    for row, keys in ((CNI, interconnect.keys), (TUNNEL, {})):
        inherited = _inherited_fields(row, deleted.get(row.name), addresses)
        if inherited and not any(desired.row.name == row.name for desired in remaining):
            named_keys = {key.option: keys[key.option] for key in row.keys if key.option in keys}
            remaining = [*remaining, Desired(row, 'present', named_keys, {}, circuit=interconnect.circuit, on_previous=True)]
        # A cleared block comes behind its inherited fields, and so removes them.
        remaining = [desired._replace(fields=_without_cleared(row, {**inherited, **desired.fields})) if desired.row.name == row.name
                     else desired for desired in remaining]
    return remaining


def _without_cleared(row: Resource, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that another one of them clears."""
    cleared = {path for path, (other, value) in row.cleared_by.items() if fields.get(other) == value}
    return {path: value for path, value in fields.items() if path not in cleared}


def _inherited_fields(row: Resource, obj: Object | None, addresses: Container[str]) -> dict[str, Any]:
    """{path: value} of the fields of an object that is replaced. Cloudflare assigns the addresses of the link anew.

    The note of a run that ended is of the old object.
    """
    values = {f.path: get(obj, f.path) for f in row.fields if f.path not in (*row.assigned, row.parent[1])}
    return {path: value for path, value in values.items() if value not in (None, '') and str(value).partition('/')[0] not in addresses
            and not str(value).startswith(DELETE_NOTE)}


def _on_interconnect(desired: Desired, changes: Sequence[Change]) -> Desired:
    """The desired object, on the interconnect that the chain has just planned."""
    interconnect = next(change for change in reversed(changes) if change.row.name == INTERCONNECT.name)
    name, path = interconnect.after[interconnect.row.id], desired.row.parent[1]
    return desired._replace(fields={**desired.fields, path: name}) if path else desired._replace(keys={desired.row.parent[0]: name})


def _duplicate_errors(chains: Iterable[Iterable[Desired]]) -> dict[int, CniError]:
    """{number of a chain: the error} for objects that two chains declare.

    Circuits on one interconnect may each declare what comes with it, if they agree.
    """
    declared: dict[tuple[str, str, Any], tuple[int, Desired]] = {}
    errors: dict[int, CniError] = {}
    for number, desired in ((number, desired) for number, chain in enumerate(chains) for desired in chain):
        for option, value in _names_of(desired):
            first, other = declared.setdefault((desired.row.name, option, value), (number, desired))
            if other is not desired and (desired.row.creatable or other.fields != desired.fields):
                errors |= {first: _duplicate_error(other, desired, option, value), number: _duplicate_error(desired, other, option, value)}
    return errors


def _duplicate_error(declared: Desired, rival: Desired, option: str, value: Any) -> InputError:
    """The error of an object that is declared by another one, too."""
    if rival.circuit == declared.circuit:
        within = declared.circuit and declared.row.name == ROUTE.name
        error = InputError(option, f'{value.removeprefix(f"{declared.circuit}, ")!r} is named twice.')
        return error.within('routes') if within else error
    if not declared.row.creatable:
        return InputError(option, f'{value!r} has one {declared.row.title}, and {rival.circuit} declares it differently.')
    return InputError(option, f'{value!r} is also declared by {rival.circuit}.')


def _names_of(desired: Desired) -> list[tuple[str, Any]]:
    """(option, value) of each name of an object; what names it together is one, and is no name beside an id."""
    if not desired.row.joint_key or 'id' in desired.keys:
        paths = {key.option: key.path for key in desired.row.keys}
        return [(option, value) for option, value in desired.keys.items() if paths[option] not in desired.row.unique_fields]
    normals = {key.option: key.normal for key in desired.row.keys}
    values = [normals[option](value) for option, value in desired.keys.items()]
    texts = [value if isinstance(value, str) else ' '.join(f'{part} {name}' for part, name in sorted(value)) for value in values]
    return [(desired.row.joint_key[-1], ', '.join(filter(None, texts)))] if texts else []

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits, each an interconnect, a CNI, a health check and routes: as desired objects, and from current ones. Pure functions."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired, desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import (
    DELETE_NOTE,
    half_deleted_circuits,
    half_deleted_interconnects,
    routes_to,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import owned_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    ADDRESS_FIELDS,
    CNI,
    INTERCONNECT,
    RESOURCES,
    ROUTE,
    TUNNEL,
    Field,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import (
    Snapshot,
    map_all_reads,
    objects_by_field,
    objects_by_key,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    CNI_OPTIONS,
    INTERCONNECT_OPTIONS,
    ROUTE_OPTIONS,
    SCOPE_OPTIONS,
    STEPS,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import normal_next_hop, sort_key_of_route

TUNNEL_BLOCKS = ('tunnel', 'health_check')  # the options of a circuit that are about its tunnel
Circuit = Mapping[str, Any]
Chain = list[Desired]


# From circuits to desired objects.

def desired_chain(circuit: Circuit, steps: Container[str] = STEPS) -> Chain:
    """The interconnect, the CNI on it, its health check and the routes to it, as far as the circuit and the steps include them.

    Raises InputError.

    Without the step interconnect none is ordered: the circuit has to have one.
    """
    name, interconnect = circuit['name'], circuit.get('interconnect')
    desired_interconnect = _desired_interconnect(circuit)
    if 'interconnect' not in steps:
        desired_interconnect = desired_object(INTERCONNECT._replace(creatable=False), {'conduit_name': name})
    desired_cni = desired_object(CNI, {**_options_of(circuit, CNI_OPTIONS), 'conduit_name': name})
    objects = [*([] if interconnect else [desired_interconnect]), *([desired_cni] if 'cni' in steps else []),
               *(_desired_tunnel(circuit) if 'health_check' in steps else [])]
    objects = [desired._replace(on_previous=desired.row.parent is not None and not interconnect) for desired in objects]
    routes = _desired_routes(circuit) if 'routes' in steps and circuit.get('routes') is not None else []
    return [desired._replace(circuit=name, previous_name=circuit.get('previous_name'), routes_named=circuit.get('routes') is not None)
            for desired in (*objects, *routes)]


def _desired_tunnel(circuit: Circuit) -> Chain:
    """The tunnel of a circuit and its health check, which are one object, if the circuit declares anything of it."""
    parts = []
    for block in TUNNEL_BLOCKS:
        if not circuit.get(block):
            continue
        try:
            desired = desired_object(TUNNEL, {'interconnect': circuit.get('interconnect'), **circuit[block]})
            parts.append(_warning_within(block, desired))
        except InputError as error:
            raise error.within(block) from None
    if not parts:
        return []
    row = TUNNEL._replace(title='tunnel') if circuit.get('tunnel') else TUNNEL
    fields = {path: value for part in parts for path, value in part.fields.items()}
    return [parts[0]._replace(row=row, fields=fields, warnings=tuple(text for part in parts for text in part.warnings))]


def _warning_within(block: str, desired: Desired) -> Desired:
    """The same, with warnings that name the options in their block."""
    return desired._replace(warnings=tuple(f'{block}.{text}' for text in desired.warnings))


def _desired_routes(circuit: Circuit) -> Chain:
    """The routes to a circuit, and that there are no others. A route that is given no scope is the one without a scope."""
    chain, name = [], circuit['name']
    for number, route in enumerate(circuit['routes']):
        try:
            desired = desired_object(ROUTE, {**route, 'scope': route.get('scope') or {}, 'conduit_name': name})
            chain.append(_warning_within(f'routes[{number}]', desired))
        except InputError as error:
            raise error.within(f'routes[{number}]') from None
    return [*chain, Desired(ROUTE, 'surplus', {}, {})]


def _desired_interconnect(circuit: Circuit) -> Desired:
    """The interconnect of a circuit. A circuit of Google Cloud may have inherited options of ports in a data centre: these are left out."""
    options = {option: value for option, value in _options_of(circuit, INTERCONNECT_OPTIONS).items() if value is not None}
    left_out = [option for option in options if 'pairing_key' in options and INTERCONNECT.implied_types.get(option) == 'direct']
    applicable = {option: value for option, value in options.items() if option not in left_out}
    desired = desired_object(INTERCONNECT, {**applicable, 'conduit_name': circuit['name']})
    text = f'{", ".join(left_out)}: ignored, because a circuit with a pairing_key has no port in a data centre.'
    return desired._replace(warnings=(*desired.warnings, text)) if left_out else desired


def delete_chains(circuits: Iterable[Circuit], snapshot: Snapshot, recorded: bool = False) -> dict[str, Chain]:
    """{circuit: the objects to delete}: the CNI, and its interconnect unless the circuit declares that, another circuit is on it, or
    there is none.

    The last of the circuits that share an interconnect deletes it. A name that only an interconnect has is that of a spare one.
    recorded: a file records the interconnect before anything is deleted.
    """
    chains: dict[str, Chain] = {}
    deleted: set[str] = set()
    circuits = list(circuits)
    interconnects = map_all_reads(lambda circuit: interconnect_name(circuit['name'], snapshot), circuits)
    without_port = map_all_reads(lambda circuit: _is_without_port(circuit['name'], snapshot), circuits)
    for circuit, interconnect, is_without_port in zip(circuits, interconnects, without_port, strict=True):
        name = circuit['name']
        if not interconnect and circuit.get('interconnect') in (None, name) and snapshot.matching(INTERCONNECT.name, INTERCONNECT.id, name):
            desired = desired_object(INTERCONNECT, {'name': name, 'state': 'absent'})
        elif circuit.get('interconnect') or is_without_port or _circuits_on(interconnect, snapshot) - deleted - {name}:
            desired = desired_object(CNI, {'conduit_name': name, 'state': 'absent'})
        else:
            slot = None if circuit.get('pairing_key') else circuit.get('slot_id')
            keys = {'conduit_name': name, 'slot_id': slot, 'name': interconnect if recorded else None}
            desired = desired_object(INTERCONNECT, {**keys, 'state': 'absent'})
        chains[name] = [desired._replace(routes_named=circuit.get('routes') is not None)]
        if not circuit.get('interconnect'):
            deleted.add(name)
    return chains


def _circuits_on(interconnect: str | None, snapshot: Snapshot) -> set[str]:
    """The names of the circuits on an interconnect, or the ids of their CNIs if these cannot be read."""
    if not interconnect:
        return set()
    unreadable = {cni[CNI.id] for cni in snapshot.unreadable(CNI.name) if cni.get('interconnect') == interconnect}
    return unreadable | {get(cni, 'magic.conduit_name') for cni in snapshot.matching(CNI.name, 'interconnect', interconnect)}


def _is_without_port(circuit: str, snapshot: Snapshot) -> bool:
    """Whether the CNI of a circuit is on no interconnect, or on one that does not exist. Raises Unread."""
    cnis = snapshot.matching(CNI.name, 'magic.conduit_name', circuit)
    names = [cni['interconnect'] for cni in cnis if cni.get('interconnect')]
    return bool(cnis) and not any(objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot) for name in names)


def interconnect_name(circuit: str, snapshot: Snapshot) -> str | None:
    """The name of the interconnect that a circuit has, by its CNI or on record."""
    interconnect = next((cni.get('interconnect') for cni in snapshot.matching(CNI.name, 'magic.conduit_name', circuit)), None)
    return interconnect or next((obj['name'] for obj in owned_interconnect(circuit, snapshot)), None)


def with_replaced_name(name: str, chain: Chain, snapshot: Snapshot) -> Chain:
    """The chain, with the name of an interconnect that may be replaced as a key: once it is on record, its tunnel needs no note."""
    interconnect = interconnect_name(name, snapshot) if any(desired.replace for desired in chain) else None
    return [desired._replace(keys={**desired.keys, 'name': interconnect}) if interconnect and desired.replace else desired
            for desired in chain]


def half_deleted_chain(name: str, snapshot: Snapshot) -> Chain:
    """The interconnects of a circuit that an earlier run was about to delete when it ended, to be deleted."""
    interconnects = (interconnect['name'] for interconnect in half_deleted_interconnects(snapshot, name))
    return [desired_object(INTERCONNECT, {'name': interconnect, 'state': 'absent'}) for interconnect in interconnects
            if interconnect != snapshot.recorded_interconnects.get(name)]


def surplus_circuits(snapshot: Snapshot, kept: Container[str]) -> list[str]:
    """The circuits that overridden deletes, also those of which a run that ended left only the interconnect. What has no name stays."""
    existing = {get(cni, 'magic.conduit_name') for cni in snapshot.objects(CNI.name)} | {*half_deleted_circuits(snapshot)}
    with_interconnect = [name for name, interconnect in snapshot.recorded_interconnects.items()
                         if snapshot.matching(INTERCONNECT.name, INTERCONNECT.id, interconnect)]
    existing |= {name for name in with_interconnect if owned_interconnect(name, snapshot)}
    return sorted(name for name in existing if name and name not in kept)


def planning_order(chains: Mapping[str, Chain]) -> list[str]:
    """The circuits, each after those that it is diverse from, as far as they do not name each other."""
    order: dict[str, None] = {}
    visited: set[str] = set()
    stack = [(name, False) for name in reversed(chains)]  # (circuit, whether those that it avoids are done), the next one last
    while stack:
        name, ready = stack.pop()
        if ready:
            order[name] = None
        elif name in chains and name not in visited:
            visited.add(name)
            avoided = [other for desired in chains[name] for other in (desired.selector or {}).get('diverse_from') or ()]
            stack += [(name, True), *((other, False) for other in reversed(avoided))]
    return list(order)


def _options_of(circuit: Circuit, options: Iterable[str]) -> dict[str, Any]:
    return {option: circuit.get(option) for option in options}


# From the objects of an account to circuits.

def gathered_circuits(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The circuits of the account as options, which rollout takes unchanged.

    CNIs without a name or an interconnect are left out, and secrets.
    """
    circuits = []
    for cni in (cni for cni in snapshot.objects(CNI.name) if all(get(cni, path) for path in CNI.identity)):
        circuit = {'name': get(cni, 'magic.conduit_name'), **_object_options(CNI, cni)}
        if len(snapshot.matching(CNI.name, 'interconnect', cni['interconnect'])) > 1:
            circuit['shared'] = True
        tunnels = objects_by_key(TUNNEL, TUNNEL.keys[0], cni['interconnect'], snapshot)
        of_tunnel = _tunnel_options(tunnels[0], cni['interconnect'], snapshot) if tunnels else {}
        routes = [_route_options(route) for route in sorted(routes_to(cni, snapshot), key=sort_key_of_route)]
        optional = {**of_tunnel, 'routes': routes}
        circuits.append({**circuit, **{option: value for option, value in optional.items() if value}})
    return sorted(circuits, key=lambda circuit: str(circuit['name']))


def _tunnel_options(tunnel: Object, interconnect: str, snapshot: Snapshot) -> dict[str, Any]:
    """{block: its options} of a tunnel, without the address that follows from a CNI, and without our own note."""
    options = _object_options(TUNNEL, tunnel)
    for f in TUNNEL.fields:
        if f.named and f.option in options.get(f.block, {}):
            options[f.block][f.option] = _name_of(options[f.block][f.option], RESOURCES[f.named], snapshot)
    ends = {normal_next_hop(cni.get(end)) for cni in snapshot.matching(CNI.name, 'interconnect', interconnect) for end in ADDRESS_FIELDS}
    of_cni = normal_next_hop(tunnel.get('interface_address')) in ends
    own_note = str(tunnel.get('description')).startswith(DELETE_NOTE)
    for option in [*(['interface_address'] if of_cni else []), *(['description'] if own_note else [])]:
        del options['tunnel'][option]
    return options


def _name_of(ident: str, row: Resource, snapshot: Snapshot) -> str:
    """The name of an object; its id, if it has no name of its own."""
    name = next((obj.get('name') for obj in snapshot.matching(row.name, row.id, ident)), None)
    return name if name and len(snapshot.matching(row.name, 'name', name)) == 1 else ident


def _route_options(route: Object) -> dict[str, Any]:
    """A route in the words of a circuit, which is its next hop."""
    options = {option: value for option, value in _object_options(ROUTE, route).items() if option in ROUTE_OPTIONS}
    scope = {part: names for part, names in options.pop('scope', {}).items() if part in SCOPE_OPTIONS and names}
    return {**options, **({'scope': scope} if scope else {})}


def _object_options(row: Resource, obj: Object) -> dict[str, Any]:
    """The object as the options of its module."""
    options: dict[str, Any] = {}
    for f in row.fields:
        value = get(obj, f.path)
        if value not in (None, '') and not f.secret and f.option != 'conduit_name':
            _set_option(options, f, value)
    return options


def _set_option(options: dict[str, Any], f: Field, value: Any) -> None:
    block, _dot, name = '.'.join(filter(None, (f.block, f.option))).rpartition('.')
    (options.setdefault(block, {}) if block else options)[name] = value

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits, each an interconnect, a CNI and a health check: what is wanted of them, and what is there in their words. Pure functions."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, all_read, by_key, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._owners import own_interconnect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Wanted, desire, leftovers, noted
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, TUNNEL, Field, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import LINK, ORDER, STEPS

Circuit = Mapping[str, Any]
Chain = list[Wanted]


# From circuits to what is wanted.

def chain_of(circuit: Circuit, steps: Container[str] = STEPS) -> Chain:
    """An interconnect, the CNI on it and its health check, as far as the circuit and the steps speak of them. Raises InputError.

    Without the step interconnect none is ordered: the circuit's own has to be there.
    """
    name, port = circuit['name'], circuit.get('interconnect')
    order = _order(circuit)
    if 'interconnect' not in steps:
        order = desire(INTERCONNECT._replace(creatable=False), {'conduit_name': name})
    link = desire(CNI, {**_said(circuit, LINK), 'conduit_name': name})
    check = circuit.get('health_check')
    checks = [desire(TUNNEL, {'interconnect': port, **check})] if check else []
    asked = [*([] if port else [order]), *([link] if 'cni' in steps else []), *(checks if 'health_check' in steps else [])]
    return [one._replace(circuit=name, follows=one.row.parent is not None and not port, formerly=circuit.get('previous_name'))
            for one in asked]


def _order(circuit: Circuit) -> Wanted:
    """The interconnect of a circuit. One of Google Cloud may have inherited what only a port in a data centre has: that is left out."""
    given = {option: value for option, value in _said(circuit, ORDER).items() if value is not None}
    other = [option for option in given if 'pairing_key' in given and INTERCONNECT.implied.get(option) == 'direct']
    own = {option: value for option, value in given.items() if option not in other}
    order = desire(INTERCONNECT, {**own, 'conduit_name': circuit['name']})
    text = f'{", ".join(other)}: left out, as it has a pairing_key, and so is no port in a data centre.'
    return order._replace(warnings=(*order.warnings, text)) if other else order


def ends_of(circuits: Iterable[Circuit], world: World, recorded: bool = False) -> dict[str, Chain]:
    """{name: the same, to be deleted}: the CNI, and its port unless the circuit named that, or somebody else has a CNI on it.

    The last of those that share a port takes it along. Where only an interconnect is called so, it is that: a spare one.
    recorded: a file names the interconnect before anything is deleted.
    """
    chains: dict[str, Chain] = {}
    gone: set[str] = set()
    circuits = list(circuits)
    ports = all_read(lambda circuit: interconnect_of(circuit['name'], world), circuits)
    for circuit, port in zip(circuits, ports, strict=True):
        name = circuit['name']
        on_it = {get(cni, 'magic.conduit_name') for cni in world.having(CNI.name, 'interconnect', port)} if port else set()
        on_it |= {cni[CNI.id] for cni in world.unreadable(CNI.name) if port and cni.get('interconnect') == port}
        if not port and circuit.get('interconnect') in (None, name) and world.having(INTERCONNECT.name, INTERCONNECT.id, name):
            chains[name] = [desire(INTERCONNECT, {'name': name, 'state': 'absent'})]
        elif circuit.get('interconnect') or on_it - gone - {name}:
            chains[name] = [desire(CNI, {'conduit_name': name, 'state': 'absent'})]
        else:
            slot = None if circuit.get('pairing_key') else circuit.get('slot_id')
            keys = {'conduit_name': name, 'slot_id': slot, 'name': port if recorded else None}
            chains[name] = [desire(INTERCONNECT, {**keys, 'state': 'absent'})]
        if not circuit.get('interconnect'):
            gone.add(name)
    return chains


def interconnect_of(circuit: str, world: World) -> str | None:
    """The name of the interconnect that a circuit has, by its CNI or on record."""
    port = next((cni.get('interconnect') for cni in world.having(CNI.name, 'magic.conduit_name', circuit)), None)
    return port or next((obj['name'] for obj in own_interconnect(circuit, world)), None)


def replaceable(name: str, chain: Chain, world: World) -> Chain:
    """The same, with the interconnect called by its name where it may be replaced: once that is on record, its tunnel needs no note."""
    port = interconnect_of(name, world) if any(one.replace for one in chain) else None
    return [one._replace(keys={**one.keys, 'name': port}) if port and one.replace else one for one in chain]


def remains_of(name: str, world: World) -> Chain:
    """The interconnects that a run was about to delete for a circuit when it ended, to be deleted."""
    ports = (port['name'] for port in leftovers(world, name))
    return [desire(INTERCONNECT, {'name': port, 'state': 'absent'}) for port in ports if port != world.owners.get(name)]


def surplus(world: World, kept: Container[str]) -> list[str]:
    """The circuits that overridden deletes, those of which a run that ended has left the interconnect too. What has no name stays."""
    there = {get(cni, 'magic.conduit_name') for cni in world.seen(CNI.name)} | {*noted(world)}
    listed = [name for name, port in world.owners.items() if world.having(INTERCONNECT.name, INTERCONNECT.id, port)]
    there |= {name for name in listed if own_interconnect(name, world)}
    return sorted(name for name in there if name and name not in kept)


def in_order(chains: Mapping[str, Chain]) -> list[str]:
    """The circuits, each after those that it keeps away from; of two that name each other the first comes first."""
    order: dict[str, None] = {}
    met: set[str] = set()
    todo = [(name, False) for name in reversed(chains)]  # what to look at, the next one last; and whether all before it are done
    while todo:
        name, ready = todo.pop()
        if ready:
            order[name] = None
        elif name in chains and name not in met:
            met.add(name)
            before = [other for one in chains[name] for other in (one.select or {}).get('diverse_from') or ()]
            todo += [(name, True), *((other, False) for other in reversed(before))]
    return list(order)


def _said(circuit: Circuit, options: Iterable[str]) -> dict[str, Any]:
    return {option: circuit.get(option) for option in options}


# From what is there to circuits.

def gathered(world: World) -> list[dict[str, Any]]:
    """What is there, as circuits that can be fed back unchanged, but for CNIs that are none. No secret is among it."""
    circuits = []
    for cni in (cni for cni in world.seen(CNI.name) if all(get(cni, wire) for wire in CNI.identity)):
        said = {'name': get(cni, 'magic.conduit_name'), **_options(CNI, cni)}
        if len(world.having(CNI.name, 'interconnect', cni['interconnect'])) > 1:
            said['shared'] = True
        tunnels = by_key(TUNNEL, TUNNEL.keys[0], cni['interconnect'], world)
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

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an interconnect is before its CNI shows it: what is on record decides, unless Cloudflare contradicts it. Pure functions."""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, World, by_field, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT

CIRCUIT_NAME = 'magic.conduit_name'


def recorded_interconnect(circuit: str, world: World) -> list[Object]:
    """The interconnect that a circuit has on record; none if Cloudflare contradicts that. Raises Unread."""
    name = world.owners.get(circuit)
    return [] if name is None or contradiction(circuit, world) else by_field(INTERCONNECT, INTERCONNECT.id, name, world)


def own_interconnect(circuit: str, world: World) -> list[Object]:
    """The interconnect that a circuit without a CNI has on record; none if that is not (or no longer) the circuit's. Raises Unread."""
    name = world.owners.get(circuit)
    if name is None or name in world.promised or world.having(CNI.name, CIRCUIT_NAME, circuit):
        return []
    found = recorded_interconnect(circuit, world)
    for obj in found:
        world.refuse(CNI.name, CNI.parent[1], obj[INTERCONNECT.id])
    return found


def contradiction(circuit: str, world: World) -> str:
    """What Cloudflare has against the interconnect that a circuit has on record; empty if nothing. Raises Unread."""
    name = world.owners[circuit]
    places = [cni.get(CNI.parent[1]) for cni in world.having(CNI.name, CIRCUIT_NAME, circuit)]
    if name in places:
        return ''
    if places:
        return f'its CNI is on interconnect {places[0]!r}'
    others = [get(cni, CIRCUIT_NAME) for cni in world.having(CNI.name, CNI.parent[1], name)]
    if others:
        return f'it carries the CNI {others[0]!r}'
    return '' if by_field(INTERCONNECT, INTERCONNECT.id, name, world) else 'there is no such interconnect'


def ordered_for(name: str, world: World) -> list[str]:
    """The circuits that have an interconnect without a CNI on record, but for those that are elsewhere by now."""
    return [circuit for circuit in world.claims.get(name, ()) if not world.having(CNI.name, CIRCUIT_NAME, circuit)]

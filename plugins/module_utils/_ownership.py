# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an interconnect is before its CNI shows it: what is on record decides, unless Cloudflare contradicts it. Pure functions."""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, objects_by_field

CIRCUIT_NAME = 'magic.conduit_name'


def recorded_interconnect(circuit: str, snapshot: Snapshot) -> list[Object]:
    """The interconnect that a circuit has on record; none if Cloudflare contradicts that. Raises Unread."""
    name = snapshot.recorded.get(circuit)
    if name is None or record_contradiction(circuit, snapshot):
        return []
    return objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot)


def owned_interconnect(circuit: str, snapshot: Snapshot) -> list[Object]:
    """The interconnect that a circuit without a CNI has on record; none if that is not (or no longer) the circuit's. Raises Unread."""
    name = snapshot.recorded.get(circuit)
    if name is None or name in snapshot.assigned or snapshot.matching(CNI.name, CIRCUIT_NAME, circuit):
        return []
    interconnects = recorded_interconnect(circuit, snapshot)
    for obj in interconnects:
        snapshot.refuse_unreadable(CNI.name, CNI.parent[1], obj[INTERCONNECT.id])
    return interconnects


def record_contradiction(circuit: str, snapshot: Snapshot) -> str:
    """What Cloudflare has against the interconnect that a circuit has on record; empty if nothing. Raises Unread."""
    name = snapshot.recorded[circuit]
    interconnects = [cni.get(CNI.parent[1]) for cni in snapshot.matching(CNI.name, CIRCUIT_NAME, circuit)]
    if name in interconnects:
        return ''
    if interconnects:
        return f'its CNI is on interconnect {interconnects[0]!r}'
    others = [get(cni, CIRCUIT_NAME) for cni in snapshot.matching(CNI.name, CNI.parent[1], name)]
    if others:
        return f'it carries the CNI {others[0]!r}'
    return '' if objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot) else 'there is no such interconnect'


def circuits_on_record(name: str, snapshot: Snapshot) -> list[str]:
    """The circuits that have an interconnect without a CNI on record, but for those that are elsewhere by now."""
    return [circuit for circuit in snapshot.recorded_on.get(name, ()) if not snapshot.matching(CNI.name, CIRCUIT_NAME, circuit)]

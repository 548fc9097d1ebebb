# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which circuit an interconnect belongs to before its CNI shows it: the record decides, unless Cloudflare contradicts it.

Pure functions.
"""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, objects_by_field

CIRCUIT_NAME = 'magic.conduit_name'


def recorded_interconnect(circuit: str, snapshot: Snapshot) -> list[Object]:
    """The interconnect that a circuit has on record; none if Cloudflare contradicts the record. Raises Unread."""
    name = snapshot.recorded_interconnects.get(circuit)
    if name is None or record_contradiction(circuit, snapshot):
        return []
    return objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot)


def owned_interconnect(circuit: str, snapshot: Snapshot) -> list[Object]:
    """The recorded interconnect of a circuit without a CNI; none if it is not, or no longer, the circuit's. Raises Unread."""
    name = snapshot.recorded_interconnects.get(circuit)
    if name is None or name in snapshot.claimed or snapshot.matching(CNI.name, CIRCUIT_NAME, circuit):
        return []
    interconnects = recorded_interconnect(circuit, snapshot)
    for obj in interconnects:
        snapshot.refuse_unreadable(CNI.name, CNI.parent[1], obj[INTERCONNECT.id])
    return interconnects


def record_contradiction(circuit: str, snapshot: Snapshot) -> str:
    """How Cloudflare contradicts the record of a circuit; empty if it does not. Raises Unread."""
    name = snapshot.recorded_interconnects[circuit]
    interconnects = [cni.get(CNI.parent[1]) for cni in snapshot.matching(CNI.name, CIRCUIT_NAME, circuit)]
    if name in interconnects:
        return ''
    if interconnects:
        return f'its CNI is on interconnect {min(map(repr, interconnects))}'
    others = [get(cni, CIRCUIT_NAME) for cni in snapshot.matching(CNI.name, CNI.parent[1], name)]
    if others:
        return f'it carries the CNI {min(map(repr, others))}'
    return '' if objects_by_field(INTERCONNECT, INTERCONNECT.id, name, snapshot) else 'that interconnect does not exist'


def circuits_on_record(name: str, snapshot: Snapshot) -> list[str]:
    """The circuits without a CNI that have the interconnect on record."""
    return [circuit for circuit in snapshot.recorded_circuits.get(name, ()) if not snapshot.matching(CNI.name, CIRCUIT_NAME, circuit)]

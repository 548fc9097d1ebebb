# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: status_table
short_description: A table of circuits, where each one is, and its status
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Prepares the table that the playbook C(netops.cloudflare_cni.status) prints. A circuit without a CNI is C(absent).
positional: cnis, interconnects, statuses
options:
  _input:
    description: Names of circuits.
    type: list
    elements: str
    required: true
  cnis:
    description: CNIs, as M(netops.cloudflare_cni.cni_info) returns them.
    type: list
    elements: dict
    required: true
  interconnects:
    description: Interconnects, as M(netops.cloudflare_cni.interconnect_info) returns them.
    type: list
    elements: dict
    required: true
  statuses:
    description: The status of interconnects, as M(netops.cloudflare_cni.status_info) returns it.
    type: list
    elements: dict
    required: true
'''

EXAMPLES = r'''
- name: Show the status of two circuits
  ansible.builtin.debug:
    msg: "{{ ['nyc-1', 'nyc-2'] | netops.cloudflare_cni.status_table(cnis, ports, statuses) }}"
'''

RETURN = r'''
_value:
  description: Lines, a head and one for each circuit.
  type: list
  elements: str
'''

from collections.abc import Iterable

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import aligned, one_line

COLUMNS = ('circuit', 'interconnect', 'site', 'facility', 'device', 'status', 'reason')


class FilterModule:
    def filters(self) -> dict:
        return {'status_table': status_table}


def status_table(names: Iterable[str], cnis: Iterable[Object], interconnects: Iterable[Object], statuses: Iterable[Object]) -> list[str]:
    """The lines of the table. Each list is read once, for accounts of a thousand circuits."""
    cni_of = {get(cni, 'magic.conduit_name'): cni for cni in cnis}
    interconnect_of = {interconnect['name']: interconnect for interconnect in interconnects}
    status_of = {status['interconnect']: status for status in statuses}
    lines = [COLUMNS]
    for name in names:
        port = cni_of.get(name, {}).get('interconnect')
        found, status = interconnect_of.get(port, {}), status_of.get(port, {})
        place = (found.get('site') or found.get('region'), get(found, 'facility.name'), found.get('ccr_device_name'))
        state = status.get('state') if port else 'absent'
        lines.append((*(one_line(cell or '-') for cell in (name, port, *place, state)), one_line(status.get('reason') or '')))
    return aligned(lines)

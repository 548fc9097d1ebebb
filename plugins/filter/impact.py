# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: impact
short_description: The circuits that an event concerns, and what stands in for them
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Finds the circuits that an event of C(extensions/eda) concerns. What Cloudflare's alerts hold is not documented, so all texts in the
    event are searched for the names of circuits, and if there are none, of interconnects, devices, sites, airports such as C(EWR), and
    facilities.
  - An event that names nothing may concern every circuit.
positional: interconnects, cnis, statuses
options:
  _input:
    description: An event, of the shape in C(extensions/eda/event.schema.json).
    type: dict
    required: true
  interconnects:
    description: Interconnects, as M(netops.cloudflare_cni.interconnect_info) returns them.
    type: list
    elements: dict
    required: true
  cnis:
    description: CNIs, as M(netops.cloudflare_cni.cni_info) returns them.
    type: list
    elements: dict
    required: true
  statuses:
    description: The status of interconnects, as M(netops.cloudflare_cni.status_info) returns it.
    type: list
    elements: dict
    default: []
'''

EXAMPLES = r'''
- name: Show the circuits that maintenance leaves without another one
  ansible.builtin.debug:
    msg: "{{ (ansible_eda.event | netops.cloudflare_cni.impact(ports, cnis, statuses)).unprotected }}"
'''

RETURN = r'''
_value:
  description: >-
    C(circuits), each with C(name), C(interconnect), C(site), C(device), C(facility), C(state), C(reason), and under C(partners) the other
    circuits of its site that are Healthy on another device; C(unprotected), the names of those without one; C(named_by), by what the event
    names them, null if it names nothing; C(interconnects), all of the sites concerned, whose status has to be read.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._impact import impact_of


class FilterModule:
    def filters(self) -> dict:
        return {'impact': impact_of}

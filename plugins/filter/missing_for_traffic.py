# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: missing_for_traffic
short_description: What an interconnect lacks before it can carry traffic
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - The acceptance gate of a circuit. Its interconnect has to be Healthy and to have a CNI, a health check has to probe it, and BGP or a
    static route has to bring traffic to each CNI.
positional: cnis, statuses, tunnels, routes
options:
  _input:
    description: The name of an interconnect.
    type: str
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
    required: true
  tunnels:
    description: The tunnels of the interconnect, as M(netops.cloudflare_cni.health_check_info) returns them.
    type: list
    elements: dict
    required: true
  routes:
    description: Static routes, as M(netops.cloudflare_cni.static_route_info) returns them.
    type: list
    elements: dict
    required: true
'''

EXAMPLES = r'''
- name: Fail if the port is not ready
  ansible.builtin.assert:
    that: port | netops.cloudflare_cni.missing_for_traffic(cnis, statuses, tunnels, routes) | length == 0
'''

RETURN = r'''
_value:
  description: A line for each thing that is missing. Empty if the interconnect is ready.
  type: list
  elements: str
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._impact import missing_for_traffic


class FilterModule:
    def filters(self) -> dict:
        return {'missing_for_traffic': missing_for_traffic}

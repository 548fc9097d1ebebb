# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill
short_description: What a failover drill of a circuit changes, and whether it may begin
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Plans a failover drill as the playbook C(failover) runs it. Another circuit of the site has to be Healthy on another device, without
    announced maintenance, with a health check, and with a static route for each prefix that the drill moves.
  - The priority of each static route over the circuit becomes one more than that of the best route over the other circuit.
positional: circuit
options:
  _input:
    description: >-
      C(interconnects), C(cnis), C(statuses), C(routes), C(maintenance) and C(change), as the info modules return them, and C(tunnels), a
      dictionary of interconnects and their tunnels. With the first two only, the result is of use for C(interconnects).
    type: dict
    required: true
  circuit:
    description: The name of the circuit.
    type: str
    required: true
'''

EXAMPLES = r'''
- name: Show why a drill of nyc-1 may not begin
  ansible.builtin.debug:
    msg: "{{ (account | netops.cloudflare_cni.drill('nyc-1')).refusals }}"
'''

RETURN = r'''
_value:
  description: >-
    C(refusals), why the drill may not begin; C(partners), the circuits that take over; C(routes), each with C(priority), that of now, and
    C(during), null if it stays; C(interconnects) of the site, whose status is needed; C(addresses), a regular expression for the addresses
    of the circuit; C(bgp), C(site), C(device), C(state) and C(interconnect) of the circuit.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import drill_of


class FilterModule:
    def filters(self) -> dict:
        return {'drill': drill_of}

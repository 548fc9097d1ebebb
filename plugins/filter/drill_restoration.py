# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill_restoration
short_description: What is left of a failover drill to restore
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Compares the static routes in the record of a failover drill with those of the account. A route that the drill changed gets its priority
    of before. A priority that somebody else set meanwhile is left alone, and so is a route that is gone.
positional: current
options:
  _input:
    description: The routes of the record.
    type: list
    elements: dict
    required: true
  current:
    description: Static routes, as M(netops.cloudflare_cni.static_route_info) returns them.
    type: list
    elements: dict
    required: true
'''

EXAMPLES = r'''
- name: Show what is to be restored
  ansible.builtin.debug:
    msg: "{{ (record.routes | netops.cloudflare_cni.drill_restoration(found.routes)).changes }}"
'''

RETURN = r'''
_value:
  description: C(changes), the routes to restore with their C(id) and C(priority); C(left), a text for each that is left alone.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import restoration_of


class FilterModule:
    def filters(self) -> dict:
        return {'drill_restoration': restoration_of}

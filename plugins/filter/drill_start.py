# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill_start
short_description: What a failover drill starts with
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes of a drill, as P(netops.cloudflare_cni.drill#filter) plans it, and of the settings of the playbook C(failover) the steps, and the
    record that is on disk before the first change.
positional: settings
options:
  _input:
    description: The drill.
    type: dict
    required: true
  settings:
    description: >-
      C(host), the host of the circuit; C(folder) of the record; C(begun), a time such as V(2026-11-29T03:00:00Z); C(path), the result of
      C(failover_path_command); C(configuration), the file that the role P(netops.cloudflare_cni.peer#role) has written; and the variables
      of the playbook, without C(failover_) before them. An empty one counts as not set.
    type: dict
    required: true
'''

EXAMPLES = r'''
- name: Show the steps of a drill of nyc-1
  ansible.builtin.debug:
    msg: "{{ account | netops.cloudflare_cni.drill('nyc-1') | netops.cloudflare_cni.drill_start(settings) }}"
  vars:
    settings: {host: nyc-1, folder: /home/net/failover, begun: '2026-11-29T03:00:00Z', hold: 60}
'''

RETURN = r'''
_value:
  description: >-
    C(refusals), why the drill may not begin: those of the drill, and what is wrong with the settings. Without refusals, C(steps), a text
    for each; C(record); C(ping_command), for a shell; and C(unanswered), a regular expression for an output of the ping that ends the
    drill.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import start_of


class FilterModule:
    def filters(self) -> dict:
        return {'drill_start': start_of}

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill_report
short_description: The report of a failover drill
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes the report of a drill, as the playbook C(failover) writes it, of the drill's record and of what was measured.
  - Counts the echo requests that were sent and answered, and finds the longest run of lost ones, in the output of C(ping -n -O) of iputils.
positional: measured
options:
  _input:
    description: The record, the file C(drill.json).
    type: dict
    required: true
  measured:
    description: >-
      C(times) of the steps; C(refusals) of the gate after the drill; C(routes), as M(netops.cloudflare_cni.static_route_info) returns them
      after the drill; C(ping), the output of the ping; C(path_during) and C(path_after), results of the C(failover_path_command);
      C(failure), a dictionary of C(task) and C(result) if a step has failed; and C(interrupted).
    type: dict
    required: true
'''

EXAMPLES = r'''
- name: Show what a drill has lost
  ansible.builtin.debug:
    msg: "{{ (record | netops.cloudflare_cni.drill_report(measured)).ping.longest_gap }}"
'''

RETURN = r'''
_value:
  description: >-
    C(outcome), V(passed), V(failed) or V(interrupted); C(problems); C(times) of the steps; C(routes), and those that were C(left_alone), as
    somebody else had changed them; C(path) before, during and after the drill; and C(ping), with C(sent), C(received), C(loss_percent) and
    C(longest_gap), seconds of requests lost in a row.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import report_of


class FilterModule:
    def filters(self) -> dict:
        return {'drill_report': report_of}

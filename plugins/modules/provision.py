#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: provision
short_description: Manage hosts of the inventory as circuits
version_added: 1.1.0
description:
  - Makes a circuit of each host from the variables of the role P(netops.cloudflare_cni.provision#role), and runs
    M(netops.cloudflare_cni.rollout) with them, once for each account and each set of options. Options that are not given have its defaults.
    The role is one task of this module; the playbooks are three.
  - The variables of each host are checked before anything is sent. A host that is wrong fails alone, with its name and that of the
    variable.
  - The role's tags C(settings), C(interconnect), C(loa), C(cni), C(health_check), C(routes), C(status), C(handover) and C(decommission)
    select the steps, also without the role. The task needs the tag C(always) for that.
  - It runs on the controller, since it reads the variables of hosts. What it does runs where M(netops.cloudflare_cni.rollout) would.
options:
  hosts:
    description:
      - The hosts to plan together. Use it with C(run_once) and a strategy such as C(linear), not one that runs each host by itself. A
        circuit that fails does not fail the task, see O(result_of).
      - If not given, it is the host that the task runs on, and the result is that of its circuit.
    type: list
    elements: str
  state:
    description:
      - As O(netops.cloudflare_cni.rollout#module:state), for the hosts whose C(provision_state) is V(present).
      - With V(overridden), nothing is begun if the variables of a host are wrong, as its circuit would not be among the declared ones.
    type: str
    choices: [merged, overridden]
    default: merged
  steps:
    description: The steps that tags select from, all if not given.
    type: list
    elements: str
    choices: [settings, interconnect, loa, cni, health_check, routes, status, handover, decommission]
  result_of:
    description:
      - The name of a variable in which a task with O(hosts) was registered. Returns the result of the host that this task runs on, and
        fails if that failed, so that the recap and a retry are per host. Nothing is sent.
    type: str
  table_of:
    description: The name of such a variable. Shows a line for each of its hosts.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._approval
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._delete
  - netops.cloudflare_cni._fleet
  - netops.cloudflare_cni._validate
'''

EXAMPLES = r'''
- name: Provision the circuit that the variables of this host describe
  netops.cloudflare_cni.provision:
  vars:
    provision_name: nyc-1
    provision_slot: {site: ewr-a, speed: 10G}
    provision_routes: [{prefix: 10.20.0.0/16}]

- name: Provision all hosts of the play
  netops.cloudflare_cni.provision:
    hosts: "{{ ansible_play_batch }}"
  vars:
    provision_name: nyc-1
  run_once: true
  register: circuits

- name: Report the result of each host
  netops.cloudflare_cni.provision:
    result_of: circuits
'''

RETURN = r'''
hosts:
  description: The result of each host, with the keys below.
  returned: with O(hosts)
  type: dict
conflicts:
  description: >-
    The results of the hosts that contradict each other, in whatever batches of the play. The first batch finds them, the next ones take
    them from the variable in which it was registered.
  returned: with O(hosts)
  type: dict
name:
  description: The name of the circuit.
  returned: without O(hosts)
  type: str
  sample: nyc-1
state:
  description: V(present) or V(absent).
  returned: without O(hosts), unless the variables are wrong
  type: str
  sample: present
outcome:
  description: As RV(netops.cloudflare_cni.rollout#module:circuits[].outcome).
  returned: without O(hosts)
  type: str
  sample: created
interconnect:
  description: The interconnect, as M(netops.cloudflare_cni.interconnect) returns it; null if it was not looked at.
  returned: without O(hosts)
  type: dict
cni:
  description: The CNI, as M(netops.cloudflare_cni.cni) returns it.
  returned: without O(hosts)
  type: dict
tunnel:
  description: The tunnel, as M(netops.cloudflare_cni.tunnel) returns it.
  returned: without O(hosts)
  type: dict
health_check:
  description: The health check, as M(netops.cloudflare_cni.health_check) returns it.
  returned: without O(hosts)
  type: dict
routes:
  description: The static routes to the circuit, as M(netops.cloudflare_cni.static_route_info) returns them.
  returned: without O(hosts)
  type: list
  elements: dict
settings:
  description: The settings of the account.
  returned: without O(hosts)
  type: dict
  sample: {default_asn: 13335}
status:
  description: The status of the interconnect.
  returned: without O(hosts)
  type: dict
  sample: {interconnect: ewr-a-icon-7f3a, state: Pending, reason: null}
files:
  description: The paths of its files.
  returned: without O(hosts)
  type: dict
  sample: {loa: artifacts/nyc-1-loa.pdf, markdown: artifacts/nyc-1.md, json: artifacts/nyc-1.json}
former_interconnect:
  description: As RV(netops.cloudflare_cni.rollout#module:circuits[].former_interconnect).
  returned: without O(hosts), if the circuit is deleted or replaced
  type: str
  sample: ewr-a-icon-2f91
addresses:
  description: As RV(netops.cloudflare_cni.interconnect#module:addresses).
  returned: without O(hosts), if it was replaced
  type: dict
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: without O(hosts), if it failed, and anything was
  type: list
  elements: dict
skip_reason:
  description: Why there was nothing to do.
  returned: without O(hosts), if there was nothing to do
  type: str
plan:
  description: The plan for a change ticket, as RV(netops.cloudflare_cni.rollout#module:plan). Its C(left_out) has hosts.
  returned: in check mode, with O(plan_file)
  type: dict
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: input, retryable: false, option: provision_bpg}
'''

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS

ARGUMENT_SPEC = {
    'hosts': {'type': 'list', 'elements': 'str'},
    'state': {'type': 'str', 'choices': ['merged', 'overridden'], 'default': 'merged'},
    'steps': {'type': 'list', 'elements': 'str', 'choices': [
        'settings', 'interconnect', 'loa', 'cni', 'health_check', 'routes', 'status', 'handover', 'decommission']},
    'purge_routes': {'type': 'bool'},
    'max_deletes': {'type': 'int'},
    'protect': {'type': 'str', 'choices': ['last', 'healthy']},
    'force': {'type': 'bool'},
    'traffic': {'type': 'bool'},
    'at_most_per_site': {'type': 'int'},
    'fail_fast': {'type': 'bool', 'default': False},
    'validate': {'type': 'bool', 'default': False},
    'plan_file': {'type': 'path'},
    'approved_plan': {'type': 'path'},
    'concurrency': {'type': 'int'},
    'progress_every': {'type': 'float'},
    'result_of': {'type': 'str'},
    'table_of': {'type': 'str'},
    **CONNECTION_OPTIONS,
}


def main() -> None:
    """The action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.fail_json(msg='provision reads the variables of hosts, so it runs only as a task on the controller, not as a standalone module.')


if __name__ == '__main__':
    main()

#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: provision
short_description: Bring hosts of the inventory about as circuits
version_added: 1.1.0
description:
  - Makes a circuit of each host from the variables of the role P(netops.cloudflare_cni.provision#role), and runs
    M(netops.cloudflare_cni.rollout) with them, once for each account and each set of options. The role is this task; the playbooks are
    three of it.
  - The variables of each host are checked before anything is sent. A host that is wrong fails alone, with its name and that of the
    variable.
  - The tags of the role, C(settings), C(interconnect), C(loa), C(cni), C(health_check), C(routes), C(status), C(handover) and
    C(decommission), choose the steps, also where this task is used without the role. It needs the tag C(always) for that.
  - It runs on the controller, as what it reads are the variables of hosts. What it does runs where M(netops.cloudflare_cni.rollout) would.
options:
  hosts:
    description:
      - The hosts, which are planned together. Use it with C(run_once), and not with a strategy that runs each host by itself. A circuit
        that fails does not fail the task, see O(result_of).
      - The host that the task runs on if not given. It then returns what became of it.
    type: list
    elements: str
  state:
    description:
      - As O(netops.cloudflare_cni.rollout#module:state), for the hosts whose C(provision_state) is V(present).
      - With V(overridden) nothing is begun if the variables of a host are wrong, as its circuit would be one that nobody wants.
    type: str
    choices: [merged, overridden]
    default: merged
  steps:
    description: The steps that tags choose from, all if not given.
    type: list
    elements: str
    choices: [settings, interconnect, loa, cni, health_check, routes, status, handover, decommission]
  purge_routes:
    description: As O(netops.cloudflare_cni.rollout#module:purge_routes).
    type: bool
  max_deletes:
    description: As O(netops.cloudflare_cni.rollout#module:max_deletes), for each run.
    type: int
  protect:
    description: As O(netops.cloudflare_cni.rollout#module:protect).
    type: str
    choices: [last, healthy]
  force:
    description: As O(netops.cloudflare_cni.rollout#module:force).
    type: bool
  at_most_per_site:
    description: As O(netops.cloudflare_cni.rollout#module:at_most_per_site).
    type: int
  fail_fast:
    description:
      - As O(netops.cloudflare_cni.rollout#module:fail_fast). It counts a host whose variables are wrong, too.
    type: bool
    default: false
  concurrency:
    description: As O(netops.cloudflare_cni.rollout#module:concurrency).
    type: int
  progress_every:
    description: As O(netops.cloudflare_cni.rollout#module:progress_every).
    type: float
  result_of:
    description:
      - The name of a variable in which such a task for O(hosts) was registered. Returns what became of the host that this task runs on, and
        fails if that failed, so that the recap and a retry know which host it was. Nothing is sent.
    type: str
  table_of:
    description: The name of such a variable, too. Shows a line for each of its hosts.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: The circuit that the variables of this host describe
  netops.cloudflare_cni.provision:
  vars:
    provision_name: nyc-1
    provision_slot: {site: ewr-a, speed: 10G}

- name: All hosts of the play
  netops.cloudflare_cni.provision:
    hosts: "{{ ansible_play_batch }}"
  vars:
    provision_name: nyc-1
  run_once: true
  register: circuits

- name: What became of each
  netops.cloudflare_cni.provision:
    result_of: circuits
'''

RETURN = r'''
hosts:
  description: What became of each host, as the keys below say it.
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
  description: The interconnect, as M(netops.cloudflare_cni.interconnect) returns it; null where it was not looked at.
  returned: without O(hosts)
  type: dict
cni:
  description: The CNI, as M(netops.cloudflare_cni.cni) returns it.
  returned: without O(hosts)
  type: dict
health_check:
  description: The health check, as M(netops.cloudflare_cni.health_check) returns it.
  returned: without O(hosts)
  type: dict
routes:
  description: The static routes to the circuit, as RV(netops.cloudflare_cni.rollout#module:circuits[].objects.routes).
  returned: without O(hosts)
  type: list
  elements: dict
settings:
  description: The settings of the account.
  returned: without O(hosts)
  type: dict
  sample: {default_asn: 13335}
status:
  description: How far it has come, C(interconnect), C(state) and C(reason).
  returned: without O(hosts)
  type: dict
  sample: {interconnect: ewr-a-icon-7f3a, state: Pending, reason: null}
files:
  description: The paths C(loa), C(markdown) and C(json).
  returned: without O(hosts)
  type: dict
  sample: {loa: artifacts/nyc-1-loa.pdf, markdown: artifacts/nyc-1.md, json: artifacts/nyc-1.json}
addresses:
  description: As RV(netops.cloudflare_cni.rollout#module:circuits[].addresses).
  returned: without O(hosts), if it was replaced
  type: dict
applied:
  description: As RV(netops.cloudflare_cni.rollout#module:circuits[].applied).
  returned: without O(hosts), if it failed, and anything was
  type: list
  elements: dict
skip_reason:
  description: Why there was nothing to do.
  returned: without O(hosts), if there was nothing to do
  type: str
error:
  description: What went wrong, as RV(netops.cloudflare_cni.rollout#module:error).
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
    'at_most_per_site': {'type': 'int'},
    'fail_fast': {'type': 'bool', 'default': False},
    'concurrency': {'type': 'int'},
    'progress_every': {'type': 'float'},
    'result_of': {'type': 'str'},
    'table_of': {'type': 'str'},
    **CONNECTION_OPTIONS,
}


def main() -> None:
    """The action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.fail_json(msg='provision reads the variables of hosts, so it runs on the controller only: as a task, not as a module by itself.')


if __name__ == '__main__':
    main()

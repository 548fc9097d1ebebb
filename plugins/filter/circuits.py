# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: circuits
short_description: The hosts of an inventory as circuits for the module rollout
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes a circuit of each host from the variables of the role P(netops.cloudflare_cni.provision#role), which start with C(provision_).
  - A number, a boolean or a date where the role takes a text is an error, see P(netops.cloudflare_cni.mistyped#filter).
  - Where O(state) is V(present), a host with C(provision_state=absent) is left out; where it is V(absent), every other one is.
positional: hostvars, state
options:
  _input:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, that is, C(hostvars).
    type: dict
    required: true
  state:
    description:
      - Which circuits, by C(provision_state).
      - A host of another state is none, such as the C(spare) ports of P(netops.cloudflare_cni.circuits#inventory).
    type: str
    choices: [present, absent]
    default: present
'''

EXAMPLES = r'''
- name: Circuits of the inventory
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | netops.cloudflare_cni.circuits(hostvars) }}"
'''

RETURN = r'''
_value:
  description: The circuits, in the order of the hosts, as O(netops.cloudflare_cni.rollout#module:circuits) takes them.
  type: list
  elements: dict
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, ROLE, mistyped


def circuits(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], state: str = 'present') -> list[dict[str, Any]]:
    """The hosts as circuits. Circuits to keep away from may be named as hosts. Raises AnsibleFilterError where a text is none."""
    variables = {host: hostvars[host] for host in hosts}  # once: Ansible gathers them anew each time
    for host, told in variables.items():
        if complaint := mistyped(told):
            raise AnsibleFilterError(f'{host}: {complaint}')
    names = {host: _name(host, told) for host, told in variables.items()}
    return [_circuit(names[host], told, names) for host, told in variables.items() if (told.get('provision_state') or 'present') == state]


def _name(host: str, variables: Mapping[str, Any]) -> str:
    name = variables.get('provision_name') or host
    return name if isinstance(name, str) else str(name)  # str() would take the mark off that tells data from templates


def _circuit(name: str, variables: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    told = {option: variables[PREFIX + option] for option in ROLE if PREFIX + option in variables}
    slot = told.get('slot')
    if slot and slot.get('diverse_from'):
        told['slot'] = {**slot, 'diverse_from': [names.get(other, other) for other in slot['diverse_from']]}
    return {'name': name, **{option: value for option, value in told.items() if value not in ('', None, {})}}


class FilterModule:
    def filters(self) -> dict:
        return {'circuits': circuits}

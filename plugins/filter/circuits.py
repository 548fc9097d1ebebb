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
  - An unknown variable, and a number, a boolean or a date where the role takes text, are errors that name the variable and the host. The
    values are checked by M(netops.cloudflare_cni.rollout).
  - C(provision_wait_for) is left out. A task that waits sets O(netops.cloudflare_cni.rollout#module:circuits[].wait_for) itself.
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
      - The C(provision_state) of the hosts to return. Others are left out, such as the C(spare) ones of
        P(netops.cloudflare_cni.circuits#inventory).
    type: str
    choices: [present, absent]
    default: present
'''

EXAMPLES = r'''
- name: Show the circuits of the inventory
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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import (
    KNOWN_VARIABLES,
    DeclaredHost,
    declared_host,
    with_circuit_names,
)


def circuits(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], state: str = 'present') -> list[dict[str, Any]]:
    """The hosts as circuits. diverse_from may name hosts. Raises AnsibleFilterError for invalid variables."""
    declared = [_declared(name, hostvars[name]) for name in hosts]
    names = {host.hostname: host.circuit_name for host in declared}
    selected = [with_circuit_names(host.circuit, lambda other: names.get(other, other)) for host in declared if host.state == state]
    return [{option: value for option, value in circuit.items() if option != 'wait_for'} for circuit in selected]


def _declared(host: str, variables: Mapping[str, Any]) -> DeclaredHost:
    try:
        # Reading a variable resolves its template. Variables that are not ours may have one that can't be resolved here.
        known = {name: variables[name] if name in KNOWN_VARIABLES[PREFIX] else None for name in variables if name.startswith(PREFIX)}
        return declared_host(host, known, check=False)
    except InputError as error:
        raise AnsibleFilterError(f'{host}: {error}') from None


class FilterModule:
    def filters(self) -> dict:
        return {'circuits': circuits}

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: hosts
short_description: Circuits as the hosts of an inventory
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes a host of each circuit, with the variables of the role P(netops.cloudflare_cni.provision#role). The reverse of
    P(netops.cloudflare_cni.circuits#filter).
  - Names are data. A value that Ansible would run as a template, once it is written into an inventory, is left out with a warning, and so
    is a circuit with such a name. The inventory plugin P(netops.cloudflare_cni.circuits#inventory) includes them.
  - A name that cannot be a host's, such as V(all), is percent-encoded; C(provision_name) then has the real one.
options:
  _input:
    description: Circuits, as RV(netops.cloudflare_cni.rollout#module:gathered).
    type: list
    elements: dict
    required: true
'''

EXAMPLES = r'''
- name: Read the account
  netops.cloudflare_cni.rollout:
    state: gathered
  register: account

- name: Show it as an inventory
  ansible.builtin.debug:
    msg: "{{ {'circuits': {'hosts': account.gathered | netops.cloudflare_cni.hosts}} | to_nice_yaml }}"
'''

RETURN = r'''
_value:
  description: The variables of each host, by its name.
  type: dict
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, ROLE_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import host_name, is_template

RESERVED_NAMES = {'all', 'ungrouped', *constants.LOCALHOST}


def hosts(circuits: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{host: variables} of the circuits, without templates: in a file nothing could mark them as data."""
    variables_by_name = {circuit['name']: role_variables(circuit) for circuit in circuits}
    left_out = [name for name in variables_by_name if is_template(name)]
    left_out += [f'{variable} of {name}' for name, variables in variables_by_name.items() for variable, value in variables.items()
                 if is_template(value)]
    for text in left_out:
        Display().warning(f'netops.cloudflare_cni.hosts: {text} is left out, because Ansible would evaluate it as a template.')
    return {host_name(name, RESERVED_NAMES): {**({'provision_name': name} if host_name(name, RESERVED_NAMES) != name else {}),
                                              **{variable: value for variable, value in variables.items() if not is_template(value)}}
            for name, variables in variables_by_name.items() if not is_template(name)}


def role_variables(circuit: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of the role. Options without one, as the addresses of the link, are left to Cloudflare."""
    return {PREFIX + option: circuit[option] for option in ROLE_OPTIONS if option in circuit}


class FilterModule:
    def filters(self) -> dict:
        return {'hosts': hosts}

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: variable_problem
short_description: Misspelt variables of a role or of a playbook, and those of a wrong type
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Reports the variables that have the prefix of a role of this collection and that the role does not know, each with the nearest one that
    it knows.
  - It also reports those of these variables, and of any other one that the roles and playbooks read, that are of a wrong type for the task
    or whose template has something undefined.
positional: role, own
options:
  _input:
    description: Names of variables. Those with another prefix are not checked for misspellings.
    type: list
    elements: str
    required: true
  role:
    description: >-
      The role. V(netbox) stands for the playbooks C(netbox_fields), C(netbox_provision) and C(netbox_sync), V(failover) for the
      playbook C(failover).
    type: str
    choices: [provision, peer, alerts, netbox, failover]
    default: provision
  own:
    description: Names to accept, as they are the user's own variables.
    type: list
    elements: str
    default: []
'''

EXAMPLES = r'''
- name: Check that no variable is misspelt
  ansible.builtin.assert:
    that: query('ansible.builtin.varnames', '^provision_') | netops.cloudflare_cni.variable_problem | length == 0
'''

RETURN = r'''
_value:
  description: What is wrong with these variables and what to do, or an empty text.
  type: str
'''

from collections.abc import Iterable
from typing import Any

from ansible.errors import AnsibleError
from jinja2 import pass_context
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Context

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import TYPES, own_variables, type_problem, unknown_variables


class FilterModule:
    def filters(self) -> dict:
        return {'variable_problem': _variable_problem}


@pass_context
def _variable_problem(context: Context, names: Iterable[str], role: str = 'provision', own: Any = None) -> str:
    names, variables, prefix = [*names], {}, f'{role}_'
    for name in (name for name in TYPES if name in names):
        try:
            variables[name] = context.get(name)
        except (UndefinedError, AnsibleError) as error:  # of its template
            return f'{name}: {error}'
    try:
        return type_problem(variables) or unknown_variables(names, own_variables(own, prefix), prefix)
    except InputError as error:
        return str(error)

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: by_account
short_description: The hosts of an inventory, account by account
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Groups hosts by the account that they declare in C(provision_account_id) and C(provision_api_url), or else that of the environment. An
    account that is named in both ways is one. A connection or a C(provision_name) of a wrong type is an error.
  - The playbooks that read an account once read it for the first host of each of these lists.
positional: hostvars
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
'''

EXAMPLES = r'''
- name: Show which hosts are of one account
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | netops.cloudflare_cni.by_account(hostvars) }}"
'''

RETURN = r'''
_value:
  description: A list of hosts for each account, in the order of the hosts.
  type: list
  elements: list
'''

import os
from collections.abc import Iterable, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import (
    CONNECTION_VARIABLES,
    connection_of,
    connection_of_run,
    declared_connection,
    type_problem,
)


class FilterModule:
    def filters(self) -> dict:
        return {'by_account': by_account}


def by_account(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, object]]) -> list[list[str]]:
    """The hosts of each account. Raises AnsibleFilterError for a connection or a name of a wrong type."""
    accounts: dict[tuple[str, str], list[str]] = {}
    of_run = connection_of_run({}, os.environ)
    for host in hosts:
        variables = {name: hostvars[host].get(name) for name in (*CONNECTION_VARIABLES, f'{PREFIX}name')}
        if problem := type_problem(variables):
            raise AnsibleFilterError(f'{host}: {problem}')
        accounts.setdefault(connection_of(declared_connection(variables), of_run).account, []).append(host)
    return [*accounts.values()]

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
    account that is named in both ways is one.
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

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import connection_of, connection_of_run, declared_connection


class FilterModule:
    def filters(self) -> dict:
        return {'by_account': by_account}


def by_account(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, object]]) -> list[list[str]]:
    """The hosts of each account."""
    accounts: dict[tuple[str, str], list[str]] = {}
    of_run = connection_of_run({}, os.environ)
    for host in hosts:
        accounts.setdefault(connection_of(declared_connection(hostvars[host]), of_run).account, []).append(host)
    return [*accounts.values()]

# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: cross_connects
short_description: Which cross-connects are open, and who has to act next
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Compares what hosts declare with an account and with the records of their LOAs. The playbook C(netops.cloudflare_cni.cross_connects)
    shows and writes what it returns.
  - A cross-connect is open until its port is Healthy. Attachments in Google Cloud have none.
positional: hosts, hostvars, records, loas, today, overdue_days
options:
  _input:
    description: The account, as P(netops.cloudflare_cni.overview#filter) returns it.
    type: dict
    required: true
  hosts:
    description: The names of the hosts. Those whose C(provision_state) is not V(present) are left out.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, that is, C(hostvars).
    type: dict
    required: true
  records:
    description: The contents of the files C(NAME.json) of the circuits. Other texts are ignored.
    type: list
    elements: str
    required: true
  loas:
    description: The paths of the LOAs on disk.
    type: list
    elements: str
    required: true
  today:
    description: The day to count to, such as V(2026-11-23).
    type: str
    required: true
  overdue_days:
    description:
      - After so many days a cross-connect is overdue. They count from C(ordered) in C(provision_cross_connect), or else from the day on
        which the tunnel of the port was created.
    type: int
    default: 28
'''

EXAMPLES = r'''
- name: Show which cross-connects are overdue
  ansible.builtin.debug:
    msg: "{{ (account | netops.cloudflare_cni.cross_connects(ansible_play_hosts, hostvars, records, loas, '2026-11-23')).overdue }}"
'''

RETURN = r'''
_value:
  description: >-
    C(rows), one for each port, the worst first, with what is known of it, C(waits_for), C(next_step) and whether it is C(overdue);
    C(table), lines for the terminal; C(files), each with C(name) and C(content), a Markdown text for each data centre and a CSV of all;
    C(overdue), a text that lists what is overdue, or an empty one.
  type: dict
'''

from collections.abc import Iterable, Mapping
from datetime import date
from os.path import expanduser, realpath
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _cross_connects
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import DeclaredHost, declared_host

# The variables of a host that count here. Others may have templates that cannot be resolved in this play.
READ = {PREFIX + name for name in ('name', 'state', 'type', 'artifacts_dir', 'loa_max_age', 'cross_connect', 'own_variables')}


def cross_connects(overview: Mapping[str, Any], hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], records: Iterable[str],
                   loas: Iterable[str], today: str, overdue_days: int = 28) -> dict[str, Any]:
    """Rows, and the texts made of them. Raises AnsibleFilterError for invalid variables."""
    declared = [_declared(host, hostvars[host]) for host in hosts]
    files = _cross_connects.Files(records, set(loas))
    rows = _cross_connects.cross_connects_of(declared, overview['circuits'], files, date.fromisoformat(today), int(overdue_days))
    return {'rows': rows, 'table': _cross_connects.table_of(rows), 'files': _cross_connects.files_of(rows),
            'overdue': _cross_connects.overdue_text(rows)}


def _declared(host: str, variables: Mapping[str, Any]) -> DeclaredHost:
    known = {name: variables[name] if name in READ else None for name in variables if name.startswith(PREFIX)}
    try:
        declared = declared_host(host, known)
    except InputError as error:
        raise AnsibleFilterError(f'{host}: {error}') from None
    return declared._replace(run={**declared.run, 'artifacts_dir': realpath(expanduser(declared.run['artifacts_dir']))})


class FilterModule:
    def filters(self) -> dict:
        return {'cross_connects': cross_connects}

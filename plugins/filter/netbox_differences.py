# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: netbox_differences
short_description: Where NetBox and Cloudflare differ
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Compares the circuits of NetBox with those of an account, both ways. The playbook C(netbox_sync) is built on it.
positional: cnis, interconnects, statuses, limit
options:
  statuses:
    description: The status of the interconnects, as M(netops.cloudflare_cni.status_info) returns it.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - netops.cloudflare_cni._netbox.account
  - netops.cloudflare_cni._netbox
'''

EXAMPLES = r'''
- name: Read the circuits of NetBox
  ansible.builtin.set_fact:
    netbox:
      circuits: "{{ query('netbox.netbox.nb_lookup', 'circuits', api_filter='provider=cloudflare tag=cloudflare-cni') }}"
      provider_networks: "{{ query('netbox.netbox.nb_lookup', 'provider-networks', api_filter='provider=cloudflare') }}"

- name: Read the CNIs
  netops.cloudflare_cni.cni_info:
  register: account

- name: Read the interconnects
  netops.cloudflare_cni.interconnect_info:
  register: ports

- name: Show the differences
  ansible.builtin.debug:
    msg: "{{ (netbox | netops.cloudflare_cni.netbox_differences(account.cnis, ports.interconnects)).lines }}"
'''

RETURN = r'''
_value:
  description:
    - C(lines), a line for each difference; C(findings), the same with C(kind), C(circuit), C(id) and C(text).
    - C(results) and C(ids), what Cloudflare has of the circuits, as P(netops.cloudflare_cni.netbox_writes#filter) takes it.
  type: dict
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox import Netbox, account_of, as_data, differences


def netbox_differences(netbox: Netbox, cnis: Iterable[Mapping[str, Any]] = (), interconnects: Iterable[Mapping[str, Any]] = (),
                       statuses: Iterable[Mapping[str, Any]] = (), limit: Any = ()) -> dict[str, Any]:
    """The differences as data, never as templates. Raises AnsibleFilterError."""
    try:
        return as_data(differences(netbox, account_of(cnis, interconnects, statuses), limit))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict:
        return {'netbox_differences': netbox_differences}

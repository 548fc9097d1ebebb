# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: netbox_circuits
short_description: Circuits of NetBox as circuits of Cloudflare
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes the circuits that M(netops.cloudflare_cni.rollout) and the playbook C(provision) take from those of NetBox, by their status. The
    playbook C(netbox_provision) is built on it.
  - L(The mapping, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/netbox.md) says which field becomes what.
  - A circuit that is in use in NetBox and that Cloudflare does not have is never ordered. One that has ended is deleted only if
    O(decommission) names it.
  - O(_input) may also have C(circuit_terminations), without which the patch panels of terminations A are not known.
positional: cnis, interconnects, limit, decommission, rename
options:
  decommission:
    description: Names or circuit IDs of circuits to delete. Their status in NetBox has to be deprovisioning or decommissioned.
    type: raw
  rename:
    description: Whether a circuit whose circuit ID has changed gets it as its name at Cloudflare.
    type: bool
    default: false
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

- name: Provision the circuits, except for those to delete
  netops.cloudflare_cni.rollout:
    circuits: "{{ plan.circuits | rejectattr('state', 'defined') }}"
  vars:
    plan: "{{ netbox | netops.cloudflare_cni.netbox_circuits(account.cnis, ports.interconnects) }}"
'''

RETURN = r'''
_value:
  description:
    - C(circuits), as O(netops.cloudflare_cni.rollout#module:circuits) takes them. One to delete has only C(name) and C(state=absent).
    - C(hosts), the same as the variables of the role P(netops.cloudflare_cni.provision#role), by host. In C(provision_cross_connect)
      C(patch_panel) is C(pp_info) of termination A, and C(id) its C(xconnect_id), unless the custom field C(cni_options) says otherwise.
    - C(ids), the ID in NetBox, by host, and by the keys of C(claims) and C(invalid).
    - C(claims) and C(invalid), what to write to NetBox before anything is ordered, as results for
      P(netops.cloudflare_cni.netbox_writes#filter). The former are names of circuits that are ordered, the latter the reasons of those that
      cannot be.
    - C(findings), what is left alone and why, each with C(kind), C(circuit), C(id) and C(text).
  type: dict
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox import Netbox, account_of, as_data, declared_circuits


def netbox_circuits(netbox: Netbox, cnis: Iterable[Mapping[str, Any]] = (), interconnects: Iterable[Mapping[str, Any]] = (),
                    limit: Any = (), decommission: Any = (), rename: bool = False) -> dict[str, Any]:
    """The circuits of NetBox as data, never as templates. Raises AnsibleFilterError."""
    try:
        return as_data(declared_circuits(netbox, account_of(cnis, interconnects), limit, decommission, rename))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict:
        return {'netbox_circuits': netbox_circuits}

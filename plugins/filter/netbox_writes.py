# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: netbox_writes
short_description: What NetBox lacks of the results of circuits
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Compares what NetBox should hold of circuits with what it has, so that only what differs is written. The playbooks C(netbox_provision)
    and C(netbox_sync) are built on it.
  - Prefixes and addresses that a circuit no longer has become deprecated. Nothing in NetBox is deleted.
positional: results, ids, loa_url, vrf, tag
options:
  results:
    description:
      - Results by host, as RV(netops.cloudflare_cni.provision#module:hosts), or C(results) of
        P(netops.cloudflare_cni.netbox_differences#filter).
    type: dict
    required: true
  ids:
    description: The ID in NetBox of each of them.
    type: dict
    required: true
  loa_url:
    description: Where the folder of the LOAs is published. Without it, NetBox gets their paths.
    type: str
    default: ''
  vrf:
    description: The name of the VRF of the links.
    type: str
    default: ''
  tag:
    description: The slug of the tag that prefixes and addresses get.
    type: str
    default: cloudflare-cni
extends_documentation_fragment:
  - netops.cloudflare_cni._netbox
'''

EXAMPLES = r'''
- name: Show what would be written to NetBox
  ansible.builtin.debug:
    msg: "{{ (netbox | netops.cloudflare_cni.netbox_writes(differences.results, differences.ids)).circuits }}"
'''

RETURN = r'''
_value:
  description:
    - C(circuits), those that differ, each with C(name), C(id), C(circuit), C(journal), C(prefixes) and C(addresses), which are objects of
      NetBox's REST API, and C(problems), why an address is not written.
    - C(requests), the same as requests to that API, in order, each with C(method), C(path) and C(writes), which are up to 100 objects as
      C(object), with C(name) and C(id) of their circuit. NetBox takes all objects of a request or none.
    - C(refused), C(id) and C(text) of circuits with C(problems).
  type: dict
'''

from collections.abc import Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox import Netbox, as_data
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox_writes import TAG, netbox_writes, requests_of


def _netbox_writes(netbox: Netbox, results: Mapping[str, Any], ids: Mapping[str, int], loa_url: str = '', vrf: str = '',
                   tag: str = TAG['slug']) -> dict[str, Any]:
    """The writes as data, never as templates."""
    writes = netbox_writes(netbox, results, ids, loa_url, vrf, tag)
    refused = [{'id': write['id'], 'text': f'{write["name"]}: {" ".join(write["problems"])}'} for write in writes if write['problems']]
    return as_data({'circuits': writes, 'requests': requests_of(writes), 'refused': refused})


class FilterModule:
    def filters(self) -> dict:
        return {'netbox_writes': _netbox_writes}

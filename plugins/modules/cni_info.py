#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cni_info
short_description: List CNIs
version_added: 1.0.0
description:
  - Returns the CNIs of the account that match all options, or all CNIs if none is given. No match is an empty list and not a failure.
options:
  id:
    description: The id of the CNI.
    type: str
  conduit_name:
    description: The name of the CNI, unique in an account.
    type: str
  interconnect:
    description: The name of the interconnect that carries it.
    type: str
  slot_id:
    description: The id of the slot whose interconnect carries it.
    type: str
    aliases: [slot]
  tunnel_id:
    description: The id of the tunnel over it.
    type: str
  show_md5_key:
    description: Whether to return MD5 keys. Set C(no_log=true) on the task then, as the output shows what it returns.
    type: bool
    default: false
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read the CNI of circuit nyc-1
  netops.cloudflare_cni.cni_info:
    conduit_name: nyc-1
  register: found

- name: Read all CNIs
  netops.cloudflare_cni.cni_info:
  register: all

- name: Show the names of all circuits
  ansible.builtin.debug:
    msg: "{{ all.cnis | map(attribute='magic.conduit_name') | sort }}"
'''

RETURN = r'''
cnis:
  description: The CNIs, as M(netops.cloudflare_cni.cni) returns one. C(bgp.md5_key) is V((hidden\)) unless O(show_md5_key=true).
  returned: success
  type: list
  elements: dict
  sample:
    - id: 8c1f1b2e-6d0a-4b53-9a55-0f6f1c2d3e4f
      interconnect: ewr-a-icon-7f3a
      cust_ip: 172.31.0.1/31
      p2p_ip: 172.31.0.0/31
      magic: {conduit_name: nyc-1, description: "", mtu: 1500}
      bgp: {customer_asn: 64512, extra_prefixes: [192.0.2.0/24]}
      bgp_mode: dynamic_route_exchange
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    'interconnect': {'type': 'str'},
    'slot_id': {'type': 'str', 'aliases': ['slot']},
    'tunnel_id': {'type': 'str'},
    'show_md5_key': {'type': 'bool', 'default': False, 'no_log': False},
}


def main() -> None:
    query = {'slot': 'slot_id', 'tunnel_id': 'tunnel_id'}
    run(info_work(CNI, 'cnis', filters=('interconnect',), query=query, reveal='show_md5_key'), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cni
short_description: Manage a CNI, the routed link on an interconnect
version_added: 1.0.0
description:
  - Creates, changes or deletes a CNI - the point-to-point link on an interconnect, with its MTU and its BGP session.
  - A CNI is found by O(id), or by O(conduit_name), which is unique in an account and names the circuit.
  - Options that are not given leave the CNI as it is. Cloudflare's PUT replaces the whole object, so the CNI is sent as it was read, with
    the given fields merged in.
  - The response is compared with the request. A field that did not take effect is a failure that names it.
options:
  id:
    description: The id that Cloudflare gave the CNI. With O(conduit_name) too, the CNI is renamed.
    type: str
  conduit_name:
    description: The name of the CNI, unique in an account.
    type: str
  state:
    description: Whether the CNI exists. V(absent) deletes it with its BGP session; the interconnect stays.
    type: str
    choices: [present, absent]
    default: present
  interconnect:
    description: The name of the interconnect that carries the CNI. Required to create one.
    type: str
  vlan:
    description: CNIs have no VLAN. Any value is refused; the option is there for users of an older description of the API.
    type: int
  force:
    default: false
  protect:
    default: last
  traffic:
    default: false
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._circuit.cni
  - netops.cloudflare_cni._delete
'''

EXAMPLES = r'''
- name: Order the interconnect
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-1
    slot:
      site: ewr-a
      speed: 10G
  register: ordered

- name: Create the CNI
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    interconnect: "{{ ordered.interconnect.name }}"
    description: New York, first circuit
    mtu: 1500
  register: circuit

- name: Show the addresses of the link
  ansible.builtin.debug:
    msg: "{{ circuit.cni.cust_ip }} here, {{ circuit.cni.p2p_ip }} at Cloudflare"

- name: Add BGP, in an account that has it
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    bgp:
      customer_asn: 64512
      extra_prefixes:
        - 192.0.2.0/24

- name: Change the BGP mode to announce only
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    bgp_mode: advertise_only

- name: Remove the MD5 key
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    clear: [md5_key]

- name: Use addresses of your own
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    cust_ip: 10.20.30.1/31
    p2p_ip: 10.20.30.0/31

- name: Delete the CNI, even if it is the last Healthy one of its site
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    state: absent
    force: true
'''

RETURN = r'''
cni:
  description:
    - The CNI as Cloudflare returned it; in check mode as it would be, with V((known after apply\)) for what only Cloudflare can assign.
    - Null if it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The id of the CNI.
      type: str
      returned: always
      sample: 8c1f1b2e-6d0a-4b53-9a55-0f6f1c2d3e4f
    account:
      description: The account that it belongs to.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    interconnect:
      description: The name of the interconnect that carries it.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    cust_ip:
      description: The customer's address on the link.
      type: str
      returned: always
      sample: 172.31.0.1/31
    p2p_ip:
      description: Cloudflare's address on the link.
      type: str
      returned: always
      sample: 172.31.0.0/31
    magic:
      description: The name, the description and the MTU in bytes.
      type: dict
      returned: always
      sample: {conduit_name: nyc-1, description: 'New York, first circuit', mtu: 1500}
    bgp:
      description: The BGP session. C(md5_key) is there if there is a key, and always V((hidden\)).
      type: dict
      returned: when there is one
      sample: {customer_asn: 64512, extra_prefixes: [192.0.2.0/24], md5_key: (hidden)}
    bgp_mode:
      description: V(dynamic_route_exchange) or V(advertise_only).
      type: str
      returned: when Cloudflare returns it
      sample: dynamic_route_exchange
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: failure, if anything was
  type: list
  elements: dict
  sample: [{action: delete, object: CNI conduit_name=nyc-1}]
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CNI_OPTIONS, DELETE_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    **CNI_OPTIONS,
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'vlan': {'type': 'int'},
    **DELETE_OPTIONS,
}


def main() -> None:
    run(manage_work(CNI, cni=None), ARGUMENT_SPEC, required_one_of=[('id', 'conduit_name')])


if __name__ == '__main__':
    main()

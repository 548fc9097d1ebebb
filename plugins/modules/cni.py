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
  - Creates, changes or deletes a CNI - the point-to-point link on an interconnect with its MTU and its BGP session.
  - A CNI is found by O(id), or by O(conduit_name), which is unique in an account and names the circuit.
  - What is not named is left as it is. Cloudflare wants the whole object on a change, so it gets the object as read, with the named
    fields in it.
  - What Cloudflare stored is compared with what was asked for. A field that did not take is a failure that names it.
options:
  id:
    description:
      - The id that Cloudflare gave the CNI. With O(conduit_name) too, the CNI gets that name.
    type: str
  conduit_name:
    description:
      - The name of the CNI, unique in an account.
    type: str
  state:
    description:
      - Whether the CNI is there. Deleting it ends its BGP session and leaves the interconnect.
    type: str
    choices: [present, absent]
    default: present
  interconnect:
    description:
      - The name of the interconnect that carries the CNI. Needed to create one.
    type: str
  shared:
    description:
      - Whether O(interconnect) may carry other CNIs too. The link is untagged, so as a rule there is one CNI on it.
      - Without it a CNI is not put on an interconnect that carries another one. If two runs do so in the same moment, the CNI with the
        smaller id stays; the other run deletes its own and fails with C(error.kind) V(race).
    type: bool
    default: false
  description:
    description:
      - Text for people. On a new CNI empty if not given.
    type: str
  mtu:
    description:
      - The MTU of the link in bytes, 576 to 1500. On a new CNI 1500 if not given.
    type: int
  bgp:
    description:
      - The BGP session over the link.
      - It can be added to a CNI and changed, but not taken off it.
    type: dict
    suboptions:
      customer_asn:
        description:
          - The customer's AS number, 1 to 4294967295. Needed where the CNI has no BGP session yet.
          - Cloudflare's side has the number of M(netops.cloudflare_cni.cni_settings).
        type: int
        aliases: [asn]
      extra_prefixes:
        description:
          - IPv4 prefixes that Cloudflare announces besides those of the account's routing table.
          - They are compared as a set of networks. Host bits are cleared with a warning. An empty list takes all away.
        type: list
        elements: str
      md5_key:
        description:
          - The MD5 key of the session - printable ASCII characters except C(") and C(?).
          - It is shown in no output. A key can be changed but not taken off.
        type: str
        aliases: [password]
  bgp_mode:
    description:
      - V(dynamic_route_exchange) to announce and to accept prefixes, V(advertise_only) to announce only.
    type: str
    choices: [dynamic_route_exchange, advertise_only]
  clear:
    description:
      - What to take away, as an empty value is never a change. V(bgp) is the whole session.
      - A CNI that has none of it is left alone. Where Cloudflare keeps a value all the same, the task fails and names it.
    type: list
    elements: str
    choices: [description, md5_key, extra_prefixes, bgp]
  cust_ip:
    description:
      - The customer's end of the link, such as V(172.31.0.1/31). Cloudflare assigns both ends if they are not given.
      - On a new CNI both ends or none are given; they are two addresses of one prefix.
    type: str
  p2p_ip:
    description:
      - Cloudflare's end of the link.
    type: str
    aliases: [cf_ip]
  vlan:
    description:
      - There is no VLAN on a CNI. The option only tells that to users of an older write-up of the API; any value is refused.
    type: int
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._delete
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: The interconnect to put it on
  netops.cloudflare_cni.interconnect:
    conduit_name: nyc-1
    slot:
      site: ewr-a
      speed: 10G
  register: ordered

- name: A CNI with BGP
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    interconnect: "{{ ordered.interconnect.name }}"
    description: New York, first circuit
    mtu: 1500
    bgp:
      customer_asn: 64512
      extra_prefixes:
        - 192.0.2.0/24
  register: circuit

- name: What the router needs
  ansible.builtin.debug:
    msg: "{{ circuit.cni.cust_ip }} here, {{ circuit.cni.p2p_ip }} there"

- name: Only announce from now on
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    bgp_mode: advertise_only

- name: No MD5 key any more
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    clear: [md5_key]

- name: Addresses of our own choice
  netops.cloudflare_cni.cni:
    conduit_name: nyc-1
    cust_ip: 10.20.30.1/31
    p2p_ip: 10.20.30.0/31

- name: No CNI any more, even if it is the last one of its site that carries traffic
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
      description: The account it belongs to.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    interconnect:
      description: The name of the interconnect that carries it.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    cust_ip:
      description: The customer's end of the link.
      type: str
      returned: always
      sample: 172.31.0.1/31
    p2p_ip:
      description: Cloudflare's end of the link.
      type: str
      returned: always
      sample: 172.31.0.0/31
    magic:
      description: Name, description and MTU.
      type: dict
      returned: always
      contains:
        conduit_name:
          description: The name of the CNI.
          type: str
          returned: always
          sample: nyc-1
        description:
          description: Text for people.
          type: str
          returned: always
          sample: New York, first circuit
        mtu:
          description: The MTU in bytes.
          type: int
          returned: always
          sample: 1500
    bgp:
      description: The BGP session.
      type: dict
      returned: when there is one
      contains:
        customer_asn:
          description: The customer's AS number.
          type: int
          returned: always
          sample: 64512
        extra_prefixes:
          description: Prefixes that Cloudflare announces besides those of the account's routing table.
          type: list
          elements: str
          returned: always
          sample: [192.0.2.0/24]
        md5_key:
          description: Always V((hidden\)).
          type: str
          returned: when there is a key
          sample: (hidden)
    bgp_mode:
      description: V(dynamic_route_exchange) or V(advertise_only).
      type: str
      returned: when Cloudflare returns it
      sample: dynamic_route_exchange
api:
  description: What the task cost.
  returned: always, but for options that no connection can be made with
  type: dict
  contains:
    requests:
      description: The requests that were sent.
      type: int
      returned: always
      sample: 3
    retries:
      description: Those among them that repeated a failed one.
      type: int
      returned: always
      sample: 0
    waited:
      description: Seconds spent on waiting, be it before a retry, for the rate limit or for a status.
      type: float
      returned: always
      sample: 0.0
applied:
  description: What was changed before the failure.
  returned: failure, if anything was
  type: list
  elements: dict
  contains:
    action:
      description: V(create), V(update) or V(delete).
      type: str
      returned: always
      sample: delete
    object:
      description: What it was done to.
      type: str
      returned: always
      sample: CNI conduit_name=nyc-1
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(protected), V(transport),
      V(answer), V(api) or V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
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

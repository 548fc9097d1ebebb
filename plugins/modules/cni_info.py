#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cni_info
short_description: Read CNIs
version_added: 1.0.0
description:
  - Returns the CNIs of the account that have all of what is asked for, or all of them.
  - Nothing found is an empty list and not a failure.
options:
  id:
    description:
      - The id of the CNI.
    type: str
  conduit_name:
    description:
      - The name of the CNI, unique in an account.
    type: str
  interconnect:
    description:
      - The name of the interconnect that carries it.
    type: str
  slot_id:
    description:
      - The id of the slot whose interconnect carries it.
    type: str
    aliases: [slot]
  tunnel_id:
    description:
      - The id of the tunnel over it.
    type: str
  show_md5_key:
    description:
      - Whether the MD5 keys are returned. Set C(no_log=true) on the task then, for the output shows what it returns.
    type: bool
    default: false
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: The circuit nyc-1
  netops.cloudflare_cni.cni_info:
    conduit_name: nyc-1
  register: found

- name: The names of all circuits
  netops.cloudflare_cni.cni_info:
  register: all

- name: List them
  ansible.builtin.debug:
    msg: "{{ all.cnis | map(attribute='magic.conduit_name') | sort }}"
'''

RETURN = r'''
cnis:
  description: The CNIs, as M(netops.cloudflare_cni.cni) returns one. The C(bgp.md5_key) is V((hidden\)) unless O(show_md5_key=true).
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
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(transport), V(answer), V(api) or
      V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
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

#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: interconnect_info
short_description: List interconnects
version_added: 1.0.0
description:
  - Returns the interconnects of the account that match all options, or all of them if none is given. No match is an empty list and not a
    failure.
options:
  name:
    description: The name that Cloudflare gave the interconnect.
    type: str
  slot_id:
    description: The id of the slot that it is on.
    type: str
  conduit_name:
    description: The circuit that it carries, that is, the name of a CNI on it.
    type: str
  site:
    description: The site that it is at, case-insensitive.
    type: str
  facility:
    description: The full name of the facility that it is in, case-insensitive.
    type: str
  type:
    description: V(direct) or V(gcp_partner).
    type: str
    choices: [direct, gcp_partner]
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read all interconnects
  netops.cloudflare_cni.interconnect_info:

- name: Find the interconnect of circuit nyc-1
  netops.cloudflare_cni.interconnect_info:
    conduit_name: nyc-1
  register: found

- name: Show its facility
  ansible.builtin.debug:
    msg: "{{ found.interconnects | map(attribute='facility.name') | first | default('no such circuit') }}"
'''

RETURN = r'''
interconnects:
  description: The interconnects, as M(netops.cloudflare_cni.interconnect) returns one.
  returned: success
  type: list
  elements: dict
  sample:
    - name: ewr-a-icon-7f3a
      type: direct
      site: ewr-a
      slot_id: 2f3a4b5c-6d7e-4f80-9a1b-2c3d4e5f6071
      speed: 10G
      facility: {name: Equinix NY1, address: ['165 Halsey Street, Newark NJ 07102', United States]}
      virtual_port_reservation_id: 5d1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'name': {'type': 'str'},
    'slot_id': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    'site': {'type': 'str'},
    'facility': {'type': 'str'},
    'type': {'type': 'str', 'choices': ['direct', 'gcp_partner']},
}


def main() -> None:
    run(info_work(INTERCONNECT, 'interconnects', filters=('site', 'facility', 'type'), query={'type': 'type'}), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

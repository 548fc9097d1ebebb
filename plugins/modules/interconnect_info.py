#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: interconnect_info
short_description: Read interconnects
version_added: 1.0.0
description:
  - Returns the interconnects of the account that have all of what is asked for, or all of them.
  - Nothing found is an empty list and not a failure.
options:
  name:
    description:
      - The name that Cloudflare gave the interconnect.
    type: str
  slot_id:
    description:
      - The id of the slot that it is on.
    type: str
  conduit_name:
    description:
      - The circuit that it carries, that is, the name of a CNI on it.
    type: str
  site:
    description:
      - The site that it is at, without regard to case.
    type: str
  facility:
    description:
      - The whole name of the facility that it is in, without regard to case.
    type: str
  type:
    description:
      - V(direct) or V(gcp_partner).
    type: str
    choices: [direct, gcp_partner]
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: All interconnects
  netops.cloudflare_cni.interconnect_info:

- name: Where does the circuit nyc-1 come in?
  netops.cloudflare_cni.interconnect_info:
    conduit_name: nyc-1
  register: found

- name: Its facility
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
      facility: {name: Equinix NY1, address: [165 Halsey Street, Newark NJ 07102, United States]}
      virtual_port_reservation_id: 5d1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9
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

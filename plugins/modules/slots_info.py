#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: slots_info
short_description: Find slots, the ports that Cloudflare offers
version_added: 1.0.0
description:
  - Returns the slots that have all of what is asked for, free ones first, or all of them.
  - Nothing found is an empty list and not a failure.
options:
  id:
    description:
      - The id of a slot.
    type: str
  site:
    description:
      - The site, such as V(ewr-a), without regard to case.
    type: str
  facility:
    description:
      - The whole name of the facility, such as V(Equinix NY1), without regard to case.
    type: str
  address_contains:
    description:
      - Text in the address of the facility, without regard to case.
    type: str
  speed:
    description:
      - The speed of the port, such as V(10G).
    type: str
  occupied:
    description:
      - V(false) for free slots only, V(true) for taken ones only.
    type: bool
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: Free 10G slots in Newark
  netops.cloudflare_cni.slots_info:
    site: ewr-a
    speed: 10G
    occupied: false
  register: free

- name: Where they are
  ansible.builtin.debug:
    msg: "{{ free.slots | map(attribute='facility.name') | unique }}"
'''

RETURN = r'''
slots:
  description: The slots, free ones first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the slot.
      type: str
      returned: always
      sample: 2f3a4b5c-6d7e-4f80-9a1b-2c3d4e5f6071
    occupied:
      description: Whether it is taken.
      type: bool
      returned: always
      sample: false
    account:
      description: The account that has it.
      type: str
      returned: when Cloudflare returns it
      sample: 0123456789abcdef0123456789abcdef
    site:
      description: The site.
      type: str
      returned: always
      sample: ewr-a
    speed:
      description: The speed of the port.
      type: str
      returned: always
      sample: 10G
    ccr_device_name:
      description: The device of Cloudflare that it is on.
      type: str
      returned: when Cloudflare returns it
      sample: edge01.ewr-a
    facility:
      description: The facility.
      type: dict
      returned: always
      contains:
        name:
          description: Its name.
          type: str
          returned: always
          sample: Equinix NY1
        address:
          description: The lines of its address.
          type: list
          elements: str
          returned: always
          sample: [165 Halsey Street, Newark NJ 07102, United States]
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import SLOT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

FILTERS = ('site', 'facility', 'address_contains', 'speed', 'occupied')
QUERY = ('site', 'speed', 'occupied')  # not the address: whether the API regards case is not known, and two addresses may differ in it

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'site': {'type': 'str'},
    'facility': {'type': 'str'},
    'address_contains': {'type': 'str'},
    'speed': {'type': 'str'},
    'occupied': {'type': 'bool'},
}


def main() -> None:
    run(info_work(SLOT, 'slots', filters=FILTERS, query={name: name for name in QUERY}, regards_case=('site', 'speed'),
                  sort_key=lambda slot: bool(slot.get('occupied'))), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

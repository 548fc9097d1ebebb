#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: slots_info
short_description: List slots, the ports that Cloudflare offers
version_added: 1.0.0
description:
  - Returns the slots that match all options, or all slots if none is given, free ones first. No match is an empty list and not a failure.
options:
  id:
    description: The id of a slot.
    type: str
  site:
    description: The site, such as V(ewr-a), case-insensitive.
    type: str
  facility:
    description: The full name of the facility, such as V(Equinix NY1), case-insensitive.
    type: str
  address_contains:
    description: Text in the address of the facility, case-insensitive.
    type: str
  speed:
    description: The speed of the port, such as V(10G).
    type: str
  occupied:
    description: V(false) returns free slots only, V(true) occupied ones only.
    type: bool
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Find free 10G slots in Newark
  netops.cloudflare_cni.slots_info:
    site: ewr-a
    speed: 10G
    occupied: false
  register: free

- name: Show their facilities
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
      description: Whether it is occupied.
      type: bool
      returned: always
      sample: false
    account:
      description: The account that occupies it.
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
      description: Cloudflare's device that it is on.
      type: str
      returned: when Cloudflare returns it
      sample: edge01.ewr-a
    facility:
      description: The facility, with the lines of its address.
      type: dict
      returned: always
      sample: {name: Equinix NY1, address: ['165 Halsey Street, Newark NJ 07102', United States]}
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
    run(info_work(SLOT, 'slots', filters=FILTERS, query={name: name for name in QUERY}, case_sensitive=('site', 'speed'),
                  sort_key=lambda slot: bool(slot.get('occupied'))), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

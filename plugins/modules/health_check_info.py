#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: health_check_info
short_description: List health checks
version_added: 1.0.0
description:
  - Returns the tunnels over the interconnects of the account, which the API calls Magic interconnects, with the health check of each. No
    match is an empty list and not a failure.
options:
  interconnect:
    description: The name of the interconnect.
    type: str
  conduit_name:
    description: The circuit, that is, the name of a CNI on the interconnect.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read all health checks
  netops.cloudflare_cni.health_check_info:
  register: found

- name: Show the interconnects that are not probed
  ansible.builtin.debug:
    msg: "{{ found.tunnels | rejectattr('health_check.enabled') | map(attribute='name') }}"
'''

RETURN = r'''
tunnels:
  description: The Magic interconnects, as M(netops.cloudflare_cni.health_check) returns one.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 1b2c3d4e5f60718293a4b5c6d7e8f901
      name: ewr-a-icon-7f3a
      created_on: '2026-11-02T09:30:00Z'
      virtual_port_reservation_id: 5d1b2c3d4e5f40718293a4b5c6d7e8f9
      health_check: {enabled: true, rate: mid, type: reply}
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'interconnect': {'type': 'str'},
    'conduit_name': {'type': 'str'},
}


def main() -> None:
    run(info_work(TUNNEL, 'tunnels'), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

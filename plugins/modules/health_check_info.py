#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: health_check_info
short_description: Read health checks
version_added: 1.0.0
description:
  - Returns the tunnels over the interconnects of the account, called Magic interconnects in the API, with the health check of each.
  - Nothing found is an empty list and not a failure.
options:
  interconnect:
    description:
      - The name of the interconnect.
    type: str
  conduit_name:
    description:
      - The circuit, that is, the name of a CNI on the interconnect.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: All health checks
  netops.cloudflare_cni.health_check_info:
  register: found

- name: Where is none?
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

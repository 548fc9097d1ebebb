#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: static_route_info
short_description: Read static routes
version_added: 1.1.0
description:
  - Returns the static routes of the account, all or those that meet what is asked for.
  - Nothing found is an empty list and not a failure.
options:
  prefix:
    description:
      - Only routes of this very prefix.
    type: str
  nexthop:
    description:
      - Only routes to this address.
    type: str
  conduit_name:
    description:
      - Only routes to this circuit, that is, to the customer's end of its CNI.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: What is routed to a circuit?
  netops.cloudflare_cni.static_route_info:
    conduit_name: nyc-1
  register: routed

- name: Its prefixes
  ansible.builtin.debug:
    msg: "{{ routed.routes | map(attribute='prefix') }}"
'''

RETURN = r'''
routes:
  description: The routes, by prefix, and by priority.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id that Cloudflare gave it.
      type: str
      returned: always
      sample: c4a7362d577a6c3019a474fd6f485821
    prefix:
      description: The prefix.
      type: str
      returned: always
      sample: 10.20.0.0/16
    nexthop:
      description: The next hop.
      type: str
      returned: always
      sample: 172.31.0.1
    priority:
      description: The priority; the lower wins.
      type: int
      returned: always
      sample: 100
    weight:
      description: The share among routes of one priority.
      type: int
      returned: when Cloudflare returns it
      sample: 128
    scope:
      description: Where the route counts.
      type: dict
      returned: when Cloudflare returns it
      sample: {colo_regions: [ENAM]}
    description:
      description: Text for people.
      type: str
      returned: when Cloudflare returns it
      sample: Branch offices
    created_on:
      description: When it was made.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    modified_on:
      description: When it was changed last.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROUTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work

ARGUMENT_SPEC = {
    'prefix': {'type': 'str'},
    'nexthop': {'type': 'str'},
    'conduit_name': {'type': 'str'},
}


def main() -> None:
    run(info_work(ROUTE, 'routes', sort_key=sort_key_of_route), ARGUMENT_SPEC)


if __name__ == '__main__':
    main()

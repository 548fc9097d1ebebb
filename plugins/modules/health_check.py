#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: health_check
short_description: Manage the health check of an interconnect
version_added: 1.0.0
description:
  - Sets how Cloudflare probes the tunnel over an interconnect. The tunnel, called Magic interconnect in the API, comes and goes with the
    interconnect, so there is nothing to create or to delete. To do without the check, set O(enabled=false).
  - The tunnel is found through the interconnect's C(virtual_port_reservation_id). What is not named is left as it is.
options:
  interconnect:
    description:
      - The name of the interconnect.
    type: str
  conduit_name:
    description:
      - The circuit, that is, the name of the CNI on the interconnect.
    type: str
  enabled:
    description:
      - Whether Cloudflare probes.
    type: bool
  rate:
    description:
      - How often Cloudflare probes. V(medium) is an older word for V(mid).
    type: str
    choices: [low, mid, high, medium]
  type:
    description:
      - The kind of probe, an ICMP V(request) or an ICMP V(reply).
    type: str
    choices: [reply, request]
  direction:
    description:
      - V(unidirectional) probes return over the Internet, V(bidirectional) ones over the tunnel.
    type: str
    choices: [unidirectional, bidirectional]
  target:
    description:
      - The address to probe. Cloudflare calculates one if none was ever set.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: Probe often
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    enabled: true
    rate: high
    type: request

- name: Stop probing during maintenance
  netops.cloudflare_cni.health_check:
    conduit_name: nyc-1
    enabled: false
'''

RETURN = r'''
health_check:
  description: The health check as Cloudflare returned it; in check mode as it would be.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether Cloudflare probes.
      type: bool
      returned: when Cloudflare returns it
      sample: true
    rate:
      description: V(low), V(mid) or V(high).
      type: str
      returned: when Cloudflare returns it
      sample: mid
    type:
      description: V(reply) or V(request).
      type: str
      returned: when Cloudflare returns it
      sample: reply
    direction:
      description: V(unidirectional) or V(bidirectional).
      type: str
      returned: when Cloudflare returns it
      sample: unidirectional
    target:
      description: The address that is probed.
      type: dict
      returned: when Cloudflare returns it
      contains:
        saved:
          description: The address that was set. Empty if Cloudflare calculates it.
          type: str
          returned: always
          sample: ""
        effective:
          description: The address in effect.
          type: str
          returned: when Cloudflare returns it
          sample: 172.31.0.1
tunnel:
  description: The whole Magic interconnect that the check belongs to.
  returned: success
  type: dict
  sample:
    id: 1b2c3d4e5f60718293a4b5c6d7e8f901
    name: ewr-a-icon-7f3a
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import HEALTH_CHECK_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'interconnect': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    **HEALTH_CHECK_OPTIONS,
}


def main() -> None:
    run(manage_work(TUNNEL, tunnel=None, health_check='health_check'), ARGUMENT_SPEC, required_one_of=[('interconnect', 'conduit_name')])


if __name__ == '__main__':
    main()

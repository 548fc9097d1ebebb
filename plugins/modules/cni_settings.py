#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cni_settings
short_description: Manage the account's settings for network interconnects
version_added: 1.0.0
description:
  - Sets the AS number that Cloudflare uses on its side of new CNIs of the account.
  - Settings can't be deleted; set the value that is wanted.
options:
  default_asn:
    description:
      - The AS number of Cloudflare's side, 1 to 4294967295. Cloudflare's own is 13335.
      - The customer's number is C(bgp.customer_asn) of M(netops.cloudflare_cni.cni).
    type: int
    required: true
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: Cloudflare's own AS number on its side
  netops.cloudflare_cni.cni_settings:
    default_asn: 13335
'''

RETURN = r'''
settings:
  description: The settings as Cloudflare returned them; in check mode as they would be.
  returned: success
  type: dict
  contains:
    default_asn:
      description: The AS number of Cloudflare's side.
      type: int
      returned: always
      sample: 13335
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import SETTINGS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work


def main() -> None:
    run(manage_work(SETTINGS, settings=None), {'default_asn': {'type': 'int', 'required': True}})


if __name__ == '__main__':
    main()

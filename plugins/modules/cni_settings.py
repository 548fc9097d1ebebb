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
  - Sets the AS number of Cloudflare's side for new CNIs of the account.
  - Settings can't be deleted; set the value that is required.
options:
  default_asn:
    description:
      - The AS number of Cloudflare's side, 1 to 4294967295. Cloudflare's own is 13335. Cloudflare's documents contradict each other on
        other values - one allows none, another 64512 to 65534.
      - The customer's is O(netops.cloudflare_cni.cni#module:bgp.customer_asn).
    type: int
    required: true
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Set Cloudflare's own AS number on its side
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
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: failure, if anything was
  type: list
  elements: dict
  sample: [{action: delete, object: CNI conduit_name=nyc-1}]
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
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

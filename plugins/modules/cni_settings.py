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
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import one, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import SETTINGS


def main() -> None:
    run(one(SETTINGS, settings=None), {'default_asn': {'type': 'int', 'required': True}})


if __name__ == '__main__':
    main()

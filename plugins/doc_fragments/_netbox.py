# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters that read circuits of NetBox have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  _input:
    description:
      - Lists of objects of NetBox 4.2 or newer, as the lookup plugin C(netbox.netbox.nb_lookup) returns them, by C(circuits),
        C(sites), C(provider_networks), C(prefixes) and C(ip_addresses). Lists that are not needed may be missing.
    type: dict
    required: true
'''

    # The account that they are compared with; before DOCUMENTATION.
    ACCOUNT = r'''
options:
  cnis:
    description: The CNIs of the account, as M(netops.cloudflare_cni.cni_info) returns them.
    type: list
    elements: dict
    default: []
  interconnects:
    description: The interconnects of the account, as M(netops.cloudflare_cni.interconnect_info) returns them.
    type: list
    elements: dict
    default: []
  limit:
    description: Names or circuit IDs of the circuits to look at, as a list or as a text with commas. All if empty.
    type: raw
'''

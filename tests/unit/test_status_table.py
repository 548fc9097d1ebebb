# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that the playbook status prints."""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.filter.status_table import status_table


def test_columns_fit_and_name_what_is_known():
    ports = {'new-york-edge-1': 'ewr-a-icon-2', 'gcp': 'icon-3'}
    cnis = [{'interconnect': port, 'magic': {'conduit_name': name}} for name, port in ports.items()]
    interconnects = [
        {'name': 'ewr-a-icon-2', 'site': 'ewr-a', 'facility': {'name': 'Equinix NY1'}, 'ccr_device_name': 'edge01.ewr-a'},
        {'name': 'icon-3', 'region': 'us-east4'},
    ]
    down = {'interconnect': 'ewr-a-icon-2', 'state': 'Down', 'reason': 'no light\non rx'}
    statuses = [down, {'interconnect': 'icon-3', 'state': 'Healthy'}]
    assert status_table([*ports, 'lon-1'], cnis, interconnects, statuses) == [
        'circuit          interconnect  site      facility     device        status   reason',
        'new-york-edge-1  ewr-a-icon-2  ewr-a     Equinix NY1  edge01.ewr-a  Down     no light on rx',
        'gcp              icon-3        us-east4  -            -             Healthy',
        'lon-1            -             -         -            -             absent',
    ]

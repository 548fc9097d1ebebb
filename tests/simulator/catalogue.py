# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots that the simulated Cloudflare offers: believable sites, facilities and devices, the same ones on every start."""

from __future__ import annotations

import collections
import uuid

# Site, facility and the lines of its address. Each facility has two devices.
FACILITIES = (
    ('ewr-a', 'Equinix NY1', '165 Halsey Street', 'Newark, NJ 07102', 'United States'),
    ('ewr-a', 'Equinix NY5', '800 Secaucus Road', 'Secaucus, NJ 07094', 'United States'),
    ('ewr-b', 'Equinix NY2', '275 Hartz Way', 'Secaucus, NJ 07094', 'United States'),
    ('ewr-b', 'Equinix NY4', '755 Secaucus Road', 'Secaucus, NJ 07094', 'United States'),
    ('atl-a', 'Digital Realty ATL1', '56 Marietta Street NW', 'Atlanta, GA 30303', 'United States'),
    ('gru-b', 'Equinix SP2', 'Alameda Araguaia 3641', 'Barueri, São Paulo 06455-000', 'Brazil'),
    ('gru-b', 'Equinix SP3', 'Avenida Ceci 1900', 'Barueri, São Paulo 06460-120', 'Brazil'),
    ('lhr-a', 'Equinix LD8', '8 Harbour Exchange Square', 'London E14 9GE', 'United Kingdom'),
    ('lhr-a', 'Telehouse North 2', 'Coriander Avenue', 'London E14 2AA', 'United Kingdom'),
    ('fra-b', 'Equinix FR5', 'Kleyerstraße 88-90', '60326 Frankfurt am Main', 'Germany'),
    ('sin-a', 'Equinix SG1', '20 Ayer Rajah Crescent', 'Singapore 139964', 'Singapore'),
)
_NAMESPACE = uuid.UUID('5a0e2e0c-7c0b-5d52-9a37-0d6b8c1c4f10')


def _devices() -> list[dict]:
    """What the slots of one device have in common, device by device; devices are numbered within a site."""
    devices = []
    numbers = collections.Counter()
    for site, name, *address in FACILITIES:
        for _device in range(2):
            numbers[site] += 1
            facility = {'address': address, 'name': name}
            devices.append({'ccr_device_name': f'edge{numbers[site]:02}.{site}', 'facility': facility, 'site': site})
    return devices


def slots(count: int) -> list[dict]:
    """`count` slots, spread over all devices: a quarter are 100G, a fifth are occupied by other accounts."""
    devices = _devices()
    return [_slot(index, index // len(devices), devices[index % len(devices)]) for index in range(count)]


def _slot(index: int, lap: int, device: dict) -> dict:
    occupied = index % 5 == 4
    # The account of some of the occupied ones is not told.
    account = uuid.uuid5(_NAMESPACE, f'account/{index}').hex if occupied and index % 2 else None
    speed = '100G' if (lap + index) % 4 == 3 else '10G'
    return {'id': str(uuid.uuid5(_NAMESPACE, f'slot/{index}')), 'account': account, **device, 'occupied': occupied, 'speed': speed}

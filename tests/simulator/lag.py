# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service does not show yet of a new object. Counted in reads, not in seconds, so that every run is the same."""

from __future__ import annotations

import collections

from rules import Refusal


class Lag:
    """Views (a list, or the status of one interconnect), how often each was read, and what each does not show yet.

    A list is read when its first page is; the later pages show what the first one did.
    """

    def __init__(self, options):
        self._options = options
        self._reads: collections.Counter[str] = collections.Counter()
        self._hidden_up_to: dict[tuple[str, str], int] = {}

    def ordered(self, interconnect: dict) -> dict:
        """Takes note of a new interconnect; returns it."""
        name, port = interconnect['name'], interconnect['virtual_port_reservation_id']
        self._hide('interconnects', name, self._options.stale_lists)
        self._hide('tunnels', port.replace('-', ''), self._options.late_tunnels)
        self._hide(f'status of {name}', name, self._options.late_status)
        return interconnect

    def made(self, view: str, item: dict) -> dict:
        """Takes note of a new item of a list; returns it."""
        self._hide(view, item['id'], self._options.stale_lists)
        return item

    def visible_items(self, view: str, items: list[dict], key: str, first_page: bool = True) -> list[dict]:
        """The items that this read of a list shows. key: the field that tells them apart."""
        self._reads[view] += first_page
        return [item for item in items if self._shows(view, item.get(key))]

    def status(self, name: str, status: dict) -> dict:
        """The status of an interconnect; raises Refusal while there is none."""
        view = f'status of {name}'
        self._reads[view] += 1
        if not self._shows(view, name):
            raise Refusal(404, f'{view} does not exist')
        return status

    def _hide(self, view: str, key: str, reads: int) -> None:
        if reads:
            self._hidden_up_to[view, key] = self._reads[view] + reads

    def _shows(self, view: str, key: str | None) -> bool:
        return self._reads[view] > self._hidden_up_to.get((view, key), -1)

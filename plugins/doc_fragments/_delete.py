# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The explicit word for deleting what carries traffic. The defaults are in the modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  force:
    description: Deletes and replaces Healthy circuits too, that is, those that carry traffic.
    type: bool
  protect:
    description:
      - Which circuits are not deleted without O(force). V(last) is the last Healthy circuit of a site, or of a region of Google Cloud;
        V(healthy) is every Healthy circuit.
      - Such a circuit fails with C(kind) V(protected); the others go on.
      - Reads the status of each circuit that would be deleted, and for V(last) of others at its site until one is Healthy.
    version_added: 1.1.0
    type: str
    choices: [last, healthy]
  traffic:
    description:
      - Whether to read the traffic of the tunnels before a delete or a replacement, as O(netops.cloudflare_cni.status_info#module:traffic)
        does. A circuit whose tunnel has carried traffic in the last 15 minutes is not deleted without O(force), whatever its status; it
        fails with C(kind) V(protected).
      - No traffic proves nothing, so it allows nothing that O(protect) refuses.
      - If the traffic cannot be read, the task fails before anything is written. The token needs Account Analytics Read. Nothing is queried
        unless something would be deleted.
    version_added: 1.1.0
    type: bool
'''

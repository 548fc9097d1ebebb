# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's word to delete what carries traffic."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  force:
    description:
      - Deletes, or replaces, what is Healthy too, that is, what carries traffic.
    type: bool
    default: false
  protect:
    description:
      - Which circuits are not deleted without O(force). V(last) are those whose site, or region of Google Cloud, would be left without a
        Healthy one, V(healthy) is each that is Healthy.
      - Such a circuit fails with C(kind) V(protected), and any others of the task go on. Asks for the status of each circuit that would be
        deleted, and with V(last) for as many others of its site as it takes to find a Healthy one.
    type: str
    choices: [last, healthy]
    default: last
'''

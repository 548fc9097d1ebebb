# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module bgp_filter_profile, in the controller's process."""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.modules import bgp_filter_profile
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess


class ActionModule(InProcess):
    module = bgp_filter_profile

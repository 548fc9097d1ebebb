# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module support_bundle, in the controller's process."""

from __future__ import annotations

from ansible_collections.netops.cloudflare_cni.plugins.modules import support_bundle
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess


class ActionModule(InProcess):
    module = support_bundle

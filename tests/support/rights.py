# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of a process, as far as tests take them away."""

from __future__ import annotations

import ctypes
import os

VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


def heed_permissions() -> None:
    """From now on the permissions of files bind this process as they bind any other: without the capabilities of root."""
    if os.geteuid() == 0:
        header, none = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
        if ctypes.CDLL(None, use_errno=True).capset(header, none):
            raise OSError(ctypes.get_errno(), 'capset')

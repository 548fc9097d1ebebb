# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option validate."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  validate:
    description:
      - Whether check mode asks Cloudflare to validate changes of existing health checks, tunnels and routes. A change that Cloudflare
        refuses is then a failure in check mode too. Without check mode the option does nothing.
      - Each such change is sent as a write request with C(validate_only=true). Cloudflare documents that this writes nothing, but a service
        that ignored it would make the change. The first change that is confirmed is therefore read again. If it was made, the task fails,
        reports it in C(applied), and sends nothing else.
      - Needs the permission to write. New objects are not validated, nor is anything under C(/cni/), where Cloudflare documents no
        validation.
    version_added: 1.1.0
    type: bool
    default: false
'''

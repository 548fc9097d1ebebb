# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets, and the search for them.

Each secret holds the letters PLANTED, which no quoting changes but base64; so a half of one or an unknown quoting is found too.
"""

from __future__ import annotations

import base64
import re

TOKEN = 'PLANTED-token+with/signs=0123456789'
API_KEY = "PLANTED'key&100%\\x+<y>"
MD5_KEY = "PLANTED 'md5' & 100% \\x + key"
STORED_KEY = "PLANTED 'stored' & 50% \\y + key"
WEBHOOK_SECRET = "PLANTED 'webhook' & 100% \\x + secret"
PAIRING_KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
ODD_PAIRING_KEY = "7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/PLANTED'2&%+\\x"
SHORT_KEY = 'nyc'  # part of the circuit's name
SECRETS = (TOKEN, API_KEY, MD5_KEY, STORED_KEY, WEBHOOK_SECRET, ODD_PAIRING_KEY)
# base64 writes the same bytes in three ways, by where they start.
IN_BASE64 = [base64.b64encode(b'\0' * n + b'PLANTED')[n and n + 1:8].decode() for n in range(3)]
PLANTED = re.compile('|'.join(map(re.escape, ('PLANTED', PAIRING_KEY[:13], *IN_BASE64))))


def found(text: str) -> list[str]:
    """The planted letters with what is around them."""
    return [text[max(0, hit.start() - 60):hit.end() + 30] for hit in PLANTED.finditer(text)]

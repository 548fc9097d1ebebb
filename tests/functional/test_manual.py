# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual in a browser, once it is built: `make test STEPS=manual`."""

from __future__ import annotations

import pytest
from support.playbook import ROOT

SITE = ROOT / '.build' / 'site' / 'html'


@pytest.mark.manual
def test_each_page_fits_a_phone_and_needs_no_network(browser):
    pages = {str(path.relative_to(SITE)): browser.open(path, 390) for path in sorted(SITE.rglob('*.html'))}
    guides = {f'{path.stem}.html' for path in (ROOT / 'docs').glob('*.md')}
    modules = {f'reference/{path.stem}_module.html' for path in (ROOT / 'plugins' / 'modules').glob('[!_]*.py')}
    assert (guides | modules) - set(pages) == set()
    assert {name: page.overflow for name, page in pages.items() if page.overflow} == {}
    assert [cell for cell in pages['troubleshooting.html'].wide if cell.startswith('<td')] == []  # what to do is beside its message
    urls = {url for page in pages.values() for url in page.requests}
    assert {url for url in urls if not url.startswith(('file:', 'data:'))} == set()
    assert {name: page.messages for name, page in pages.items() if page.messages} == {}

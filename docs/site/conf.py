# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: Markdown guides, and the reference as antsibull-docs writes it."""

from __future__ import annotations

project = 'netops.cloudflare_cni'
copyright = '2026, netops.cloudflare_cni contributors'
extensions = ['myst_parser', 'sphinx_antsibull_ext']
html_theme = 'furo'
html_static_path = ['static']
html_css_files = ['manual.css']
html_title = 'Cloudflare CNI with Ansible'
html_show_sphinx = False
html_copy_source = False
myst_heading_anchors = 3
pygments_style = 'ansible'
nitpicky = True

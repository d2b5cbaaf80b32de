"""The one style sheet of the documents: readable, printable, no outside resource."""

from __future__ import annotations

STYLE = """\
:root { color-scheme: light; --ink: #1a1a1a; --line: #6b7280; --band: #f3f4f6; --link: #1d4e89; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; color: var(--ink); background: #fff;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main > p, main > ul, nav { max-width: 46rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 2px solid var(--line); font-size: 1.4rem; }
h3 { margin-top: 2rem; font-size: 1.15rem; }
h1, h2, h3 { break-after: avoid; }
a { color: var(--link); }
nav > ul { columns: 20rem; column-gap: 2rem; }
a:focus, .scroll:focus { outline: 3px solid #b45309; outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
code { font-size: .9em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 1rem 0 1.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border: 1px solid var(--line); padding: .4rem .55rem; text-align: left; vertical-align: top; }
thead th { background: var(--band); }
tbody th { font-weight: 600; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); font-size: .9rem; overflow-wrap: anywhere; }
@media print {
  @page { size: A4; margin: 16mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  main > p, main > ul { max-width: none; }
  nav, .skip { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  a { color: inherit; text-decoration: none; }
}
"""

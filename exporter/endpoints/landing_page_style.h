#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_STYLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_STYLE_H_

#include <string_view>

namespace jemalloc_exporter {

/// The landing page's CSS. The colours of memory uses are those of the Grafana
/// dashboard.
inline constexpr std::string_view kLandingPageStyle = R"css(
:root {
  color-scheme: light dark;
  --ink: #1c2128; --soft: #59636f; --line: #d8dee6; --paper: #fff; --card: #f5f7fa;
  --brand: #b93a10; --link: #b93a10;
  --live: #56a64b; --fragmentation: #ff9830; --padding: #ffcb7d; --active: #fade2a;
  --retained: #b877d9; --outside: #6ed0e0; --unknown: #c3cad3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e3e7ec; --soft: #a0aab6; --line: #333b45; --paper: #14171c; --card: #1d2228;
    --brand: #8f2f10; --link: #ff8f6b; --unknown: #5a636e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper); }
a { color: var(--link); text-underline-offset: 2px; }
a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
small { color: var(--soft); font-size: 12.5px; font-weight: 400; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 28px; padding: 14px 24px; background: var(--brand); color: #fff; }
header h1 { margin: 0; font-size: 20px; }
header p { margin: 0; flex: 1 1 auto; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; }
header a { color: #fff; }
main { max-width: 1440px; padding: 16px 24px; overflow-x: auto; }
h2 { margin: 24px 0 8px; font-size: 16px; }
.summary { margin: 0 0 12px; font-size: 17px; }
.summary b { font-size: 20px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 0 0 12px; padding: 0; list-style: none; }
.swatch { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 3px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 7px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: middle; white-space: nowrap; }
th:first-child, .text { text-align: left; }
th:first-child, .group { padding-left: 0; }
td:last-child { padding-right: 0; }
td.text { white-space: normal; }
thead th { font-weight: 600; font-size: 13px; color: var(--soft); vertical-align: bottom; }
thead a { color: inherit; }
thead th[aria-sort] a { color: var(--ink); font-weight: 700; text-decoration-thickness: 2px; }
thead th.bar, thead th.plot { text-align: left; }
tbody th { font-weight: 600; }
tbody th small { display: block; }
td small { display: block; }
.group { padding-top: 24px; font-size: 13px; color: var(--soft); text-align: left; }
td.bar { width: 20%; min-width: 140px; }
td.plot { width: 19%; min-width: 190px; text-align: left; }
svg { display: block; width: 100%; }
.bar svg { height: 20px; border-radius: 4px; }
.plot svg { height: 34px; border-bottom: 1px solid var(--soft); }
.axis { display: flex; justify-content: space-between; gap: 8px; color: var(--soft); font-size: 12px; }
.live { fill: var(--live); background: var(--live); }
.fragmentation { fill: var(--fragmentation); background: var(--fragmentation); }
.padding { fill: var(--padding); background: var(--padding); }
.active { fill: var(--active); background: var(--active); }
.retained { fill: var(--retained); background: var(--retained); }
.outside { fill: var(--outside); background: var(--outside); }
.unknown { fill: var(--unknown); background: var(--unknown); }
.start { max-width: 900px; margin: 8px 0 20px; padding: 4px 20px 12px; border: 1px solid var(--line); border-left: 4px solid var(--link); border-radius: 6px; background: var(--card); }
.start h2 { margin-top: 14px; }
pre { margin: 8px 0; padding: 10px 12px; overflow-x: auto; border-radius: 4px; background: var(--paper); border: 1px solid var(--line); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
footer { padding: 4px 24px 24px; color: var(--soft); font-size: 13px; }
@media (max-width: 1199px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  table, thead, tbody { display: block; }
  thead tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; padding: 4px 0 10px; }
  thead tr::before { content: "Sort by"; color: var(--soft); font-size: 13px; }
  thead th { padding: 2px 0; border: 0; }
  thead th.bar, thead th.plot, .plain thead { display: none; }
  tbody tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 2px 24px; margin: 0 0 12px; padding: 12px 14px; border: 1px solid var(--line); border-radius: 6px; background: var(--card); }
  tbody tr.heading { padding: 8px 0 0; border: 0; background: none; }
  tbody th, tbody td { padding: 2px 0; border: 0; text-align: left; }
  tbody td { display: flex; justify-content: space-between; gap: 8px; white-space: normal; text-align: right; }
  tbody td::before { content: attr(data-label); color: var(--soft); text-align: left; }
  tbody th, tbody th + td, td.bar, td.plot, td.text { grid-column: 1 / -1; }
  td.bar, td.plot, td.text { display: block; width: auto; text-align: left; }
  td.bar::before, td.plot::before { content: none; }
  td.bar { margin: 4px 0; }
  td.plot svg { height: 56px; }
}
)css";

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_STYLE_H_

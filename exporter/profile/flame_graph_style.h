#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_STYLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_STYLE_H_

#include <string_view>

namespace jemalloc_exporter {

/// The flame graph's CSS. Frames have dark text on light colours in both colour
/// schemes. Of each kind there are three shades, by the function's name. Growth
/// and shrinkage are orange and blue, which most colour-blind readers
/// distinguish.
inline constexpr std::string_view kFlameGraphStyle = R"css(
:root {
  color-scheme: light dark;
  --ink: #1c2128; --soft: #59636f; --line: #d8dee6; --paper: #fff; --card: #f5f7fa;
  --brand: #b93a10; --link: #b93a10;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e3e7ec; --soft: #a0aab6; --line: #333b45; --paper: #14171c; --card: #1d2228;
    --brand: #8f2f10; --link: #ff8f6b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 28px; padding: 14px 24px; background: var(--brand); color: #fff; }
header h1 { margin: 0; font-size: 20px; overflow-wrap: anywhere; }
header p { margin: 0; flex: 1 1 auto; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; }
a { color: #fff; text-underline-offset: 2px; }
a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
main { padding: 16px 24px; }
small { color: var(--soft); font-size: 12.5px; }
.summary { margin: 0 0 12px; font-size: 17px; }
.summary b { font-size: 20px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 0 0 12px; padding: 0; list-style: none; }
.swatch { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 3px; }
.scroll { overflow-x: auto; }
.graph { display: block; width: 100%; min-width: 640px; font-size: 12px; }
.graph svg { cursor: default; }
.graph rect { stroke: var(--paper); stroke-width: 1px; }
.graph svg:hover rect { stroke: var(--ink); stroke-width: 2px; }
.graph text { fill: #1c2128; white-space: pre; }
.graph tspan { fill: #4b4236; }
.total { fill: #d3d8df; background: #d3d8df; }
.program { background: #f7b267; }
.program0 { fill: #f9c58d; } .program1 { fill: #f7b267; } .program2 { fill: #f4a259; }
.library { background: #8fd0b8; }
.library0 { fill: #a6dcc8; } .library1 { fill: #8fd0b8; } .library2 { fill: #b5d9a5; }
.unnamed { background: #cfc4dd; }
.unnamed0 { fill: #d8cfe4; } .unnamed1 { fill: #cfc4dd; } .unnamed2 { fill: #c5b8d6; }
.merged { fill: #e4e7ec; background: #e4e7ec; }
.growth { background: #f58b5b; }
.growth0 { fill: #f8a57d; } .growth1 { fill: #f58b5b; } .growth2 { fill: #f6b08f; }
.shrinkage { background: #7fb4e6; }
.shrinkage0 { fill: #9bc6ee; } .shrinkage1 { fill: #7fb4e6; } .shrinkage2 { fill: #b3d3f0; }
.empty { max-width: 900px; padding: 4px 20px 12px; border: 1px solid var(--line); border-left: 4px solid var(--link); border-radius: 6px; background: var(--card); }
h2 { margin: 14px 0 8px; font-size: 16px; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; overflow-wrap: anywhere; }
footer { padding: 4px 24px 24px; color: var(--soft); font-size: 13px; }
footer p { margin: 4px 0; max-width: 1000px; }
@media (max-width: 700px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
}
)css";

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_STYLE_H_

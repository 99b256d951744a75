// The dashboard, the rules and the alerts as a monitoring mixin
// (https://monitoring.mixins.dev). Everything is that of jsonnet/ and of
// jemalloc.rules.yml.
local text(expr) = if std.isString(expr) then expr else '%.10g' % expr;
local groups = [
  group { rules: [rule { expr: text(rule.expr) } for rule in group.rules] }
  for group in std.parseYaml(importstr 'jemalloc.rules.yml').groups
];
local hasAlerts(group) = std.objectHas(group.rules[0], 'alert');

{
  grafanaDashboards+:: { 'jemalloc.json': import 'jsonnet/jemalloc.jsonnet' },
  prometheusRules+:: { groups+: [group for group in groups if !hasAlerts(group)] },
  prometheusAlerts+:: { groups+: [group for group in groups if hasAlerts(group)] },
}

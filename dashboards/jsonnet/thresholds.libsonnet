// The limits of the alerts by name. (Jsonnet's parser of YAML takes folded block
// scalars, `>-`, but not literal ones. In C++ it ignores quotes, in Go it does not.)
local number(expr) = if std.isString(expr) then std.parseJson(expr) else expr;
local rules = std.parseYaml(importstr '../jemalloc.rules.yml');
{
  [std.strReplace(rule.record, 'threshold:jemalloc_', '')]: number(rule.expr)
  for rule in rules.groups[0].rules
}

// The limits of the alerts by name. (The parser of YAML here takes folded block
// scalars, `>-`, but not literal ones.)
local rules = std.parseYaml(importstr '../jemalloc.rules.yml');
{
  [std.strReplace(rule.record, 'threshold:jemalloc_', '')]: rule.expr
  for rule in rules.groups[0].rules
}

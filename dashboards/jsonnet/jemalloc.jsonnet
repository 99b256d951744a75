// The source of the dashboard:
//   jsonnet jemalloc.jsonnet > ../jemalloc.json
local p = import 'panel.libsonnet';
local q = import 'queries.libsonnet';

local answered = std.foldl(
  function(above, section) (
    local top = above.y;
    local arranged = p.arrange(section[1], top + 1);
    local folded = section[2];
    local row = {
      type: 'row',
      title: section[0],
      collapsed: folded,
      gridPos: { x: 0, y: top, w: 24, h: 1 },
      panels: if folded then arranged.panels else [],
    };
    local panels = above.panels + [row] + if folded then [] else arranged.panels;
    { y: if folded then top + 1 else arranged.y, panels: panels }
  ),
  import 'sections.libsonnet',
  p.arrange(import 'summary.libsonnet')
);
local numbered(panels, first) = [
  panels[i] { id: first + i } + (
    if panels[i].type == 'row' then { panels: numbered(super.panels, first + 100) } else {}
  )
  for i in std.range(0, std.length(panels) - 1)
];

// Offers the values of a label, or all of them as `all`.
local variable(name, label, query, all=null) = {
  name: name,
  label: label,
  type: 'query',
  datasource: p.datasource,
  query: { query: query, refId: name },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  [if all != null then 'allValue']: all,
  current: { selected: true, text: ['All'], value: ['$__all'] },
  options: [],
  regex: '',
  hide: 0,
  skipUrlSync: false,
};
// The values of a label of the largest heaps. It is not shown, and all of them are
// always selected.
local ofLargest(name, label) =
  variable(name, label, 'query_result(%s)' % q.largestHeaps) {
    hide: 2,
    regex: '/%s="([^"]*)"/' % label,
  };

{
  id: null,
  uid: 'jemalloc',
  title: 'jemalloc',
  description: 'The heaps of programs that run on jemalloc: leak, fragmentation, retention, or not the heap at all?',
  tags: ['jemalloc', 'memory'],
  schemaVersion: 38,
  version: 1,
  editable: false,
  graphTooltip: 1,
  timezone: 'browser',
  time: { from: 'now-6h', to: 'now' },
  refresh: '1m',
  links: [{
    title: 'Runbooks',
    type: 'link',
    icon: 'doc',
    url: 'https://github.com/jemalloc-exporter/jemalloc_exporter/blob/main/dashboards/runbooks.md',
    targetBlank: true,
    asDropdown: false,
    includeVars: false,
    keepTime: false,
    tags: [],
    tooltip: 'What the alerts mean and what to do',
  }],
  annotations: {
    list: [{
      name: 'Restarts',
      datasource: p.datasource,
      enable: true,
      iconColor: p.color.mapped,
      // The value, not the time of the sample, is when it happened.
      useValueForTime: true,
      // Grafana writes the name of a label that is absent: here,
      // unlike in legends. So there is one label, and every heap has it.
      // No more than that, because each is a line in every panel.
      expr: 'label_join(%s, "process", " ", "comm", "pid", "instance")' % q.latestStarts(100),
      step: '1m',
      titleFormat: 'Started',
      textFormat: '{{process}}',
      tagKeys: 'job',
    }],
  },
  templating: {
    list: [
      {
        name: 'datasource',
        label: 'Data source',
        type: 'datasource',
        query: 'prometheus',
        refresh: 1,
        multi: false,
        includeAll: false,
        current: {},
        options: [],
        regex: '',
        hide: 0,
        skipUrlSync: false,
      },
      variable('job', 'Job', 'label_values({__name__=~"jemalloc_arenas|jemalloc_exporter_build_info"}, job)', '.+'),
      variable('instance', 'Instance', 'label_values({__name__=~"jemalloc_arenas|jemalloc_exporter_build_info", job=~"$job"}, instance)', '.+'),
      // An embedded heap has no comm: `.*` lets it through, `.+` would not.
      // Processes of no unit or container are in All. The sums of the first rows are by
      // program: select the programs of the unit to have them of it alone.
      variable('unit', 'Unit', 'label_values(jemalloc_process_info{job=~"$job", instance=~"$instance"}, unit)', '.*'),
      variable('container', 'Container', 'label_values(jemalloc_process_info{job=~"$job", instance=~"$instance", unit=~"$unit"}, container_id)', '.*'),
      variable('comm', 'Process', 'label_values({__name__=~"jemalloc_up|jemalloc_process_info", job=~"$job", instance=~"$instance", unit=~"$unit", container_id=~"$container"}, comm)', '.*'),
      ofLargest('largest_instance', 'instance'),
      ofLargest('largest_pid', 'pid'),
    ],
  },
  panels: numbered(answered.panels, 1),
}
